using System.Security.Cryptography;
using System.Text;
using IpcPs.Brokers;
using IpcPs.Mechanisms;

namespace IpcPs.Nats.Tests.Fixture;

/// <summary>One server for all tests that need no other.</summary>
public sealed class SharedServer : IDisposable
{
    private readonly NatsServer? _server = NatsServer.Missing is null ? NatsServer.Start() : null;

    public NatsServer Server => _server!;

    public void Dispose() => _server?.Dispose();
}

[CollectionDefinition(Name)]
public sealed class OneServer : ICollectionFixture<SharedServer>
{
    public const string Name = "NATS";
}

/// <summary>A queue with a unique name, which is removed at the end.</summary>
internal sealed class TestQueue : IDisposable
{
    public TestQueue(NatsServer server, BrokerQueueOptions? options = null, string scheme = "nats", BrokerLogin? login = null)
    {
        Address = server.Address(UniqueName(), scheme);
        Queue = (NatsQueue)IpcMechanisms.Broker(Address.Scheme).Create(Address, options ?? new BrokerQueueOptions(), login, false, Limit);
    }

    public static WaitOptions Limit => Deadline.After(TimeSpan.FromSeconds(30));

    public IpcAddress Address { get; }

    public NatsQueue Queue { get; }

    public static string UniqueName() => "t" + RandomNumberGenerator.GetHexString(12, lowercase: true);

    public NatsQueue Open() => (NatsQueue)IpcMechanisms.Open(Address, wait: Limit);

    public void Dispose()
    {
        Queue.Dispose();
        IpcMechanisms.For(Address.Scheme).Remove(Address);
    }
}

internal static class Messages
{
    public static readonly SendOptions Text = new() { Format = IpcFormat.Text };

    public static void SendText(this IpcChannel channel, string text) => channel.Send(Encoding.UTF8.GetBytes(text), Text, TestQueue.Limit);

    /// <summary>Receives a text and acknowledges it.</summary>
    public static string ReceiveText(this IpcChannel channel, int ahead = 0)
    {
        var message = new MessageBuffer();
        Assert.True(channel.Receive(message, new ReceiveOptions { Ahead = ahead }, TestQueue.Limit));
        message.Acknowledge();
        return Encoding.UTF8.GetString(message.Payload.Span);
    }

    public static IpcException Fails(IpcErrorId id, Action action)
    {
        var error = Assert.Throws<IpcException>(action);
        Assert.True(id == error.Id, $"{error.Id}: {error.Message}");
        return error;
    }
}
