using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Benchmarks.Idle;

/// <summary>A listener with many connected clients, each of which has sent a message: <c>listener-cost CLIENTS SECONDS</c>.
/// Says what it costs at rest (milliseconds of processor a second) and how much memory a client took (KiB).</summary>
internal sealed class ListenerCostPeer : IPeer
{
    public string Name => "listener-cost";

    public void Run(string[] args)
    {
        Console.WriteLine("ready");
        var listener = (SocketListener)IpcSocket.Listen(IpcAddress.Parse($"unix:@ipcps-bench-{Guid.NewGuid():n}"));
        // The first few make the runtime compile and the heap grow: not what a client costs.
        using var few = Connect(listener, "5");
        var before = Memory();
        using var many = Connect(listener, args[0]);
        var clients = double.Parse(args[0], CultureInfo.InvariantCulture);
        var memory = (Memory() - before) / clients;
        var waiting = new Thread(() => listener.Receive(new MessageBuffer())) { IsBackground = true };
        waiting.Start();
        Console.WriteLine(
            Text(ProcessCost.MillisecondsASecond(
            Environment.ProcessId, TimeSpan.FromSeconds(double.Parse(args[1], CultureInfo.InvariantCulture)))));
        Console.WriteLine(Text(memory));
        // With this process its connections end, and with them the clients.
        Environment.Exit(0);
    }

    private static PeerProcess Connect(SocketListener listener, string clients)
    {
        var peer = Peers.Start("idle-clients", null, listener.Address.Text, clients);
        var message = new MessageBuffer();
        for (var i = int.Parse(clients, CultureInfo.InvariantCulture); i > 0; i--) listener.Receive(message);
        return peer;
    }

    private static double Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return ProcessCost.Kibibytes(Environment.ProcessId, "VmRSS");
    }

    private static string Text(double number) => number.ToString(CultureInfo.InvariantCulture);
}
