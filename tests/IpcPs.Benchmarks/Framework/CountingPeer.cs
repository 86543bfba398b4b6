using System.Globalization;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Receives a number of messages: <c>count ADDRESS N</c>.</summary>
internal sealed class CountingPeer : IPeer
{
    public string Name => "count";

    public void Run(string[] args)
    {
        using var channel = (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(args[0]), new OpenOptions { Access = IpcAccess.Read });
        var message = new MessageBuffer();
        Console.WriteLine("ready");
        for (var left = int.Parse(args[1], CultureInfo.InvariantCulture); left > 0; left--)
        {
            if (!channel.Receive(message)) throw new InvalidOperationException($"{left} messages are missing.");
        }
        Console.WriteLine("done");
    }
}
