using IpcPs.Benchmarks.Framework;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Relays;

namespace IpcPs.Benchmarks.Relays;

/// <summary>A process that is nothing but a relay.</summary>
internal sealed class RelayPeer : IPeer
{
    public string Name => "relay";

    public void Run(string[] args)
    {
        using var from = (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(args[0]), new OpenOptions { Access = IpcAccess.Read });
        using var to = (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(args[1]), new OpenOptions { Access = IpcAccess.Write });
        using var relay = new IpcRelay(from, to);
        relay.Start();
        Console.WriteLine("ready");
        relay.WaitForEnd(default);
    }
}
