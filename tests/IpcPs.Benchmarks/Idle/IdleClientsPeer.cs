using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Mechanisms;

namespace IpcPs.Benchmarks.Idle;

/// <summary>Clients of one listener that send one message each and then wait for its end: <c>idle-clients ADDRESS CLIENTS</c>.</summary>
internal sealed class IdleClientsPeer : IPeer
{
    public string Name => "idle-clients";

    public void Run(string[] args)
    {
        var address = IpcAddress.Parse(args[0]);
        var clients = Enumerable.Range(0, int.Parse(args[1], CultureInfo.InvariantCulture))
            .Select(_ => (IpcChannel)IpcMechanisms.Open(address)).ToArray();
        foreach (var client in clients) client.Send(new byte[100], ChannelLoads.Framed);
        Console.WriteLine("ready");
        clients[0].Receive(new MessageBuffer());
    }
}
