using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;
using IpcPs.Brokers;
using IpcPs.Mechanisms;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace IpcPs.Benchmarks.Nats;

/// <summary>Messages over a NATS server beside a plain C# program with the same client package: each one stored and confirmed, and each
/// one received and acknowledged.</summary>
internal sealed class BrokerBenchmarks : IBenchmarkGroup
{
    private const int Size = 100;

    // As many as IpcPs has in flight.
    private const int InFlight = 500;

    private static readonly byte[] Payload = new byte[Size];

    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var count = Settings.Count(30_000);
            yield return new("NATS, 100 bytes, sent and confirmed", "messages/s", 0.8, false,
                new("IpcPs.Nats", () => Ours(count).Sent), new("NATS.Client", () => Plain(count).Sent));
            yield return new("NATS, 100 bytes, received and acknowledged", "messages/s", 0.8, false,
                new("IpcPs.Nats", () => Ours(count).Received), new("NATS.Client", () => Plain(count).Received));
            yield return new("NATS, cmdlets, sent and confirmed", "messages/s", 0.5, false,
                new("Send-IpcMessage", () => Cmdlets(count).Sent), new("NATS.Client", () => Plain(count).Sent));
            yield return new("NATS, cmdlets, received and acknowledged", "messages/s", 0.5, false,
                new("Receive-IpcMessage", () => Cmdlets(count).Received), new("NATS.Client", () => Plain(count).Received));
        }
    }

    private static (double? Sent, double? Received) Ours(int count)
    {
        if (LoopbackNats.Instance is not { } server) return default;
        var address = IpcAddress.Parse($"{server.Url}/{NewName()}");
        using var queue = IpcMechanisms.Broker(IpcScheme.Nats).Create(address, new BrokerQueueOptions(), null, false, default);
        try
        {
            var start = Stopwatch.GetTimestamp();
            queue.SendMany(Enumerable.Repeat<ReadOnlyMemory<byte>>(Payload, count), new SendOptions { Format = IpcFormat.Bytes });
            var sent = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            var message = new MessageBuffer();
            for (var i = 0; i < count; i++)
            {
                queue.Receive(message, new ReceiveOptions { Format = IpcFormat.Bytes, Ahead = ReceiveOptions.ManyAhead });
                message.Acknowledge();
            }
            return (sent, count / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        finally
        {
            IpcMechanisms.For(IpcScheme.Nats).Remove(address);
        }
    }

    private static (double? Sent, double? Received) Plain(int count) =>
        LoopbackNats.Instance is { } server ? PlainAsync(server.Url, count).GetAwaiter().GetResult() : default;

    private static async Task<(double? Sent, double? Received)> PlainAsync(string url, int count)
    {
        await using var connection = new NatsConnection(new NatsOpts { Url = url });
        var context = new NatsJSContext(connection);
        var name = NewName();
        await context.CreateStreamAsync(new StreamConfig(name, [name]) { Retention = StreamConfigRetention.Workqueue });
        try
        {
            var start = Stopwatch.GetTimestamp();
            var pending = new Queue<Task<PubAckResponse>>();
            for (var i = 0; i < count; i++)
            {
                pending.Enqueue(context.PublishAsync(name, Payload).AsTask());
                if (pending.Count == InFlight) (await pending.Dequeue()).EnsureSuccess();
            }
            while (pending.TryDequeue(out var confirmation)) (await confirmation).EnsureSuccess();
            var sent = count / Stopwatch.GetElapsedTime(start).TotalSeconds;
            var consumer = await context.CreateOrUpdateConsumerAsync(
                name, new ConsumerConfig("plain") { AckPolicy = ConsumerConfigAckPolicy.Explicit });
            start = Stopwatch.GetTimestamp();
            var left = count;
            await foreach (var message in consumer.ConsumeAsync<byte[]>(opts: new NatsJSConsumeOpts { MaxMsgs = InFlight }))
            {
                await message.AckAsync();
                if (--left == 0) break;
            }
            return (sent, count / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        finally
        {
            await context.DeleteStreamAsync(name);
        }
    }

    private static (double? Sent, double? Received) Cmdlets(int count)
    {
        if (LoopbackNats.Instance is not { } server) return default;
        var result = SharedShells.Sender.Run(string.Create(CultureInfo.InvariantCulture, $$"""
            $queue = New-IpcQueue '{{server.Url}}/{{NewName()}}' -Kind Nats -MaxMessages 10000000
            try {
                $text = 'x' * {{Size}}
                $texts = @(foreach ($i in 1..{{count}}) { $text })
                $clock = [Diagnostics.Stopwatch]::GetTimestamp()
                $texts | Send-IpcMessage $queue
                $sent = [Diagnostics.Stopwatch]::GetElapsedTime($clock).TotalSeconds
                $clock = [Diagnostics.Stopwatch]::GetTimestamp()
                Receive-IpcMessage $queue -Count {{count}} | Out-Null
                $received = [Diagnostics.Stopwatch]::GetElapsedTime($clock).TotalSeconds
                [string]::Format([cultureinfo]::InvariantCulture, '{0} {1}', $sent, $received)
            } finally { Remove-IpcObject $queue }
            """)).Split(' ');
        return (count / Seconds(result[0]), count / Seconds(result[1]));
    }

    private static double Seconds(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string NewName() => $"b{Guid.NewGuid():n}";
}
