using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using IpcPs.Brokers;
using IpcPs.Mechanisms;
using NATS.Client.Core;
using NATS.Client.JetStream;

namespace IpcPs.Nats.Tests;

/// <summary>Three servers that keep each message three times, of which one after the other is killed.</summary>
public sealed class ClusterTests
{
    private static readonly TimeSpan ElectionLimit = TimeSpan.FromSeconds(60);

    // IPCPS_NATS_KILLS=20 for longer.
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("IPCPS_NATS_KILLS"), CultureInfo.InvariantCulture,
        out var kills) ? kills : 2;

    [NatsFact]
    public async Task Every_confirmed_message_is_received_once_while_the_leader_is_killed_again_and_again()
    {
        var servers = StartCluster();
        try
        {
            var hosts = string.Join(',', servers.Select(static s => $"127.0.0.1:{s.Port}"));
            var address = IpcAddress.Parse($"nats://{hosts}/orders");
            using var queue = (NatsQueue)IpcMechanisms.Broker(IpcScheme.Nats).Create(
                address, new BrokerQueueOptions { Replicas = 3, AckWait = TimeSpan.FromSeconds(5) }, null, useExisting: true, LongLimit);
            using var receiver = (NatsQueue)IpcMechanisms.Open(address, wait: LongLimit);
            using var ending = new CancellationTokenSource();
            var confirmed = new ConcurrentDictionary<int, bool>();
            var received = new ConcurrentDictionary<int, int>();
            var sending = Task.Run(() => Send(queue, confirmed, ending.Token));
            var receiving = Task.Run(() => Receive(receiver, received, confirmed, sending));
            for (var kill = 0; kill < Kills; kill++)
            {
                var before = confirmed.Count;
                Wait.Until(() => confirmed.Count > before + 200, ElectionLimit, "messages to be confirmed");
                var leader = await LeaderAsync(servers, address.Name!);
                servers[leader].Kill();
                servers[leader].Run();
                // The next one is not killed before this one is up to date: two lost of three stop the cluster.
                await AllCurrentAsync(servers, address.Name!);
            }
            await ending.CancelAsync();
            await sending;
            await receiving;
            var missing = confirmed.Keys.Except(received.Keys).Order().ToList();
            Assert.True(missing.Count == 0, $"{missing.Count} of {confirmed.Count} missing, from {missing.FirstOrDefault()} to "
                + $"{missing.LastOrDefault()}; the queue has {queue.CurrentMessages}; received {received.Count}.");
            Assert.DoesNotContain(received, static r => r.Value != 1);
        }
        finally
        {
            foreach (var server in servers) server.Dispose();
        }
    }

    private static WaitOptions LongLimit => Deadline.After(ElectionLimit);

    private static List<NatsServer> StartCluster()
    {
        var routes = Enumerable.Range(0, 3).Select(static _ => NatsServer.FreePort()).ToList();
        var all = string.Join(", ", routes.Select(static r => $"\"nats://127.0.0.1:{r}\""));
        var servers = new List<NatsServer>();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                servers.Add(NatsServer.Start($$"""
                    server_name: "n{{i}}"
                    cluster { name: "test", listen: "127.0.0.1:{{routes[i]}}", routes: [ {{all}} ] }
                    """));
            }
            return servers;
        }
        catch
        {
            foreach (var server in servers) server.Dispose();
            throw;
        }
    }

    private static void Send(NatsQueue queue, ConcurrentDictionary<int, bool> confirmed, CancellationToken ending)
    {
        var next = 0;
        while (!ending.IsCancellationRequested)
        {
            var batch = Enumerable.Range(next, 50).ToList();
            next += batch.Count;
            queue.SendMany(batch.Select(static n => (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes($"{n}")), Messages.Text, LongLimit);
            foreach (var number in batch) confirmed[number] = true;
        }
    }

    private static void Receive(
        NatsQueue queue, ConcurrentDictionary<int, int> received, ConcurrentDictionary<int, bool> confirmed, Task sending)
    {
        var message = new MessageBuffer();
        var deadline = Deadline.Infinite;
        while (!sending.IsCompleted || received.Count < confirmed.Count)
        {
            if (sending.IsCompleted && deadline.IsInfinite) deadline = Deadline.After(ElectionLimit);
            if (deadline.HasPassed) return;
            try
            {
                queue.Receive(message, new ReceiveOptions { Ahead = 20 }, Deadline.After(TimeSpan.FromSeconds(1)));
                received.AddOrUpdate(int.Parse(message.Payload.Span, CultureInfo.InvariantCulture), 1, static (_, n) => n + 1);
                message.Acknowledge();
            }
            catch (IpcException e) when (e.Id == IpcErrors.Timeout)
            {
                // An election, or nothing is there.
            }
        }
    }

    private static async Task<int> LeaderAsync(List<NatsServer> servers, string stream)
    {
        var index = -1;
        await UntilAsync(servers, stream, cluster => (index = cluster.Leader is { } leader ? leader[1] - '0' : -1) >= 0);
        return index;
    }

    private static Task AllCurrentAsync(List<NatsServer> servers, string stream) =>
        UntilAsync(servers, stream, static cluster => cluster is { Leader: not null, Replicas: { Count: 2 } replicas }
            && replicas.All(static r => r.Current && !r.Offline));

    private static async Task UntilAsync(
        List<NatsServer> servers, string stream, Func<NATS.Client.JetStream.Models.ClusterInfo, bool> condition)
    {
        var urls = string.Join(',', servers.Select(static s => $"127.0.0.1:{s.Port}"));
        await using var connection = new NatsConnection(new NatsOpts { Url = urls });
        var deadline = Deadline.After(ElectionLimit);
        while (true)
        {
            try
            {
                var info = (await new NatsJSContext(connection).GetStreamAsync(stream)).Info;
                if (info.Cluster is { } cluster && condition(cluster)) return;
            }
            catch (NatsException)
            {
                // There is no leader yet.
            }
            if (deadline.HasPassed) throw new TimeoutException("The cluster has no leader, or a server does not catch up.");
            await Task.Delay(50);
        }
    }
}
