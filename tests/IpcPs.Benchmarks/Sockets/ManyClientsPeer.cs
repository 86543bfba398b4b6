using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Sockets;

/// <summary>Many clients of one listener, who send in turn: <c>many-clients ADDRESS CLIENTS MESSAGES-EACH</c>.</summary>
internal sealed class ManyClientsPeer : IPeer
{
    public string Name => "many-clients";

    public void Run(string[] args)
    {
        var address = IpcAddress.Parse(args[0]);
        var clients = Enumerable.Range(0, int.Parse(args[1], CultureInfo.InvariantCulture))
            .Select(_ => (IpcChannel)IpcMechanisms.Open(address)).ToArray();
        var payload = new byte[100];
        Console.WriteLine("ready");
        for (var left = int.Parse(args[2], CultureInfo.InvariantCulture); left > 0; left--)
        {
            foreach (var client in clients) client.Send(payload, ChannelLoads.Framed);
        }
        foreach (var client in clients) client.Dispose();
    }
}
