using System.Globalization;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Sends back what it receives: <c>echo RECEIVE-ADDRESS SEND-ADDRESS N</c>; one address twice is opened once, for both.</summary>
internal sealed class EchoPeer : IPeer
{
    public string Name => "echo";

    public void Run(string[] args)
    {
        var both = args[0] == args[1];
        using var receive = (IpcChannel)IpcMechanisms.Open(
            IpcAddress.Parse(args[0]), new OpenOptions { Access = both ? IpcAccess.ReadWrite : IpcAccess.Read });
        using var send = both ? receive
            : (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(args[1]), new OpenOptions { Access = IpcAccess.Write });
        var message = new MessageBuffer();
        Console.WriteLine("ready");
        for (var left = int.Parse(args[2], CultureInfo.InvariantCulture); left > 0; left--)
        {
            if (!receive.Receive(message)) return;
            // What came in an envelope goes back in one.
            send.Send(message.Payload.Span, new SendOptions { Framed = message.Format != IpcFormat.Auto });
        }
    }
}
