using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using IpcPs.Sockets;
using IpcPs.Tests.Serialization;

namespace IpcPs.Strength.Hostile;

/// <summary>Clients of a listener that send garbage, promise much, stop in the middle, ask and vanish, or never read; beside them an honest
/// one, which must be served all the time.</summary>
internal sealed class HostileClients : IAttackGroup
{
    public IEnumerable<IAttack> Attacks => [new HostileClientAttack("unix"), new HostileClientAttack("tcp")];
}

/// <summary>The attack on a listener of one family.</summary>
internal sealed class HostileClientAttack(string family) : IAttack
{
    private const int ClientsARound = 20;
    private const int SpareDescriptors = 40;

    // A TCP client that has ended sending, is owed an answer, and then closes, says nothing more. Its kernel answers for it until
    // net.ipv4.tcp_fin_timeout has passed, a minute; then the listener's keepalive notices.
    private const double SecondsToNotice = 240;

    private const long SpareBytes = 64 * 1024 * 1024;

    private static readonly byte[] Question = [0xC1, 1, 2, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];

    public string Name => $"hostile clients, {family} listener";

    public void Run(AttackContext context)
    {
        var path = Path.Combine(context.Folder, "s");
        using var listener = IpcSocket.Listen(IpcAddress.Parse(family == "unix" ? $"unix:{path}" : "tcp:127.0.0.1:0"));
        using var stop = new CancellationTokenSource();
        var served = 0L;
        var server = new Thread(() => Serve(listener, stop.Token, ref served)) { Name = "server" };
        server.Start();
        var honest = IpcSocket.Connect(listener.Address);
        var reply = new MessageBuffer();
        Ask();
        var descriptors = Descriptors();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var clients = 0;
        for (var round = 0; round < context.Settings.Rounds && context.Faults.Count == 0; round++)
        {
            var open = Enumerable.Range(0, ClientsARound).Select(_ => Attack(context.Random)).ToList();
            clients += open.Count;
            Ask();
            open.ForEach(static c => c.Dispose());
            Ask();
        }
        if (!AttackContext.Until(() => Descriptors() <= descriptors + SpareDescriptors, SecondsToNotice))
            context.Fault($"{descriptors} descriptors before, {Descriptors()} after the clients were gone.");
        var now = GC.GetTotalMemory(forceFullCollection: true);
        if (now > memory + SpareBytes) context.Fault($"{memory:N0} bytes before, {now:N0} after the clients were gone.");
        honest.Dispose();
        stop.Cancel();
        server.Join();
        context.Figures = string.Create(CultureInfo.InvariantCulture, $"{clients:N0} clients, {served:N0} requests answered");

        void Ask()
        {
            try
            {
                honest.Request("question"u8, reply, default, Deadline.After(TimeSpan.FromMinutes(1)));
            }
            catch (IpcException e)
            {
                context.Fault($"The honest client was not served: {e.Message}");
            }
        }

        Socket Attack(Random random)
        {
            var socket = family == "unix"
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            EndPoint server = family == "unix"
                ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Loopback, listener.Address.EndPoint!.Port);
            socket.Connect(server);
            socket.Blocking = false;
            socket.Send(Bytes(random), SocketFlags.None, out _);
            switch (random.Next(4))
            {
                case 0: socket.Shutdown(SocketShutdown.Send); break;
                case 1: socket.Dispose(); break;
            }
            return socket;
        }
    }

    private static byte[] Bytes(Random random)
    {
        switch (random.Next(6))
        {
            case 0:
                return Tests.Serialization.Fuzz.Random(random, 2000);
            case 1:
                return Question;
            case 2:
                return Question[..random.Next(Question.Length)];
            case 3:
                // A message of 256 MiB, of which one byte comes.
                var promise = new byte[] { 0xC1, 1, 0, 1, 0, 0, 0, 0, 0 };
                BinaryPrimitives.WriteInt32LittleEndian(promise.AsSpan(4), IpcChannel.MaxStreamMessage);
                return promise;
            case 4:
                // Questions without an end, by one that never reads an answer.
                return [.. Enumerable.Repeat(Question, 200).SelectMany(static q => q)];
            default:
                return Tests.Serialization.Fuzz.Mutate(Question, random);
        }
    }

    private static void Serve(IpcChannel listener, CancellationToken stop, ref long served)
    {
        var message = new MessageBuffer();
        while (true)
        {
            try
            {
                if (!listener.Receive(message, default, stop)) continue;
                if (message.ReplyChannel is not { } client || message.CorrelationId == 0) continue;
                client.Send("answer"u8, new SendOptions { CorrelationId = message.CorrelationId, IsReply = true }, Deadline.Immediate);
                served++;
            }
            catch (IpcException)
            {
                // One client's bytes, or one client that does not read.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;
}
