using System.Globalization;
using IpcPs.Measurement;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Sends back what it receives: <c>echo RECEIVE-ADDRESS SEND-ADDRESS WARM-UP N</c>; one address twice is opened once, for
/// both.</summary>
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
        Console.WriteLine("ready");
        ChannelLoad.Echo(receive, send, int.Parse(args[2], CultureInfo.InvariantCulture));
        var count = int.Parse(args[3], CultureInfo.InvariantCulture);
        var clock = new ProcessorClock();
        ChannelLoad.Echo(receive, send, count);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"done {clock.PerMessage(count)}"));
    }
}
