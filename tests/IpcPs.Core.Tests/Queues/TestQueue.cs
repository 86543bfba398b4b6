using System.Globalization;
using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Queues;
using Xunit;

namespace IpcPs.Tests.Queues;

/// <summary>The two families, which behave alike.</summary>
public enum QueueFamily
{
    Posix,
    SysV,
}

/// <summary>One after the other: the kernel counts a user's queues all together (RLIMIT_MSGQUEUE).</summary>
[CollectionDefinition(nameof(QueueTests))]
public sealed class QueueTests;

/// <summary>A queue of a test's own, removed at its end.</summary>
public sealed class TestQueue : IDisposable
{
    private static int s_count;

    private TestQueue(MessageChannel queue) => Queue = queue;

    public MessageChannel Queue { get; }

    public IpcAddress Address => Queue.Address;

    public long CurrentMessages => Queue is PosixQueue posix ? posix.CurrentMessages : ((SysVQueue)Queue).CurrentMessages;

    /// <summary>A queue for messages of up to 100 bytes, of which it holds ten.</summary>
    public static TestQueue Create(QueueFamily family) => family == QueueFamily.Posix ? Posix(10, 100) : SysV(1000);

    public static TestQueue Posix(long? messages = null, long? size = null,
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        new(PosixQueue.Create(NewName(), messages, size, mode));

    public static TestQueue SysV(long? bytes = null) => new(SysVQueue.Create(maxBytes: bytes));

    /// <summary>A name that no other test, nor another run, uses.</summary>
    public static IpcAddress NewName() =>
        IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture,
            $"mq:/ipcps-test-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}"));

    /// <summary>A key likewise.</summary>
    public static SysVKey NewKey() => SysVKey.FromNumber((0x49 << 24) ^ (Environment.ProcessId << 8) ^ Interlocked.Increment(ref s_count));

    public IpcChannel OpenAgain(IpcAccess access = IpcAccess.ReadWrite) =>
        (IpcChannel)IpcMechanisms.Open(Address, new OpenOptions { Access = access });

    public void Remove() => IpcMechanisms.For(Address.Scheme).Remove(Address);

    public void Send(string text, SendOptions options = default) =>
        Queue.Send(Encoding.UTF8.GetBytes(text), options with { Format = IpcFormat.Text });

    public string Receive(ReceiveOptions options = default)
    {
        var message = new MessageBuffer();
        Assert.True(Queue.Receive(message, options, Deadline.After(TimeSpan.FromSeconds(30))));
        return Encoding.UTF8.GetString(message.Payload.Span);
    }

    public void Dispose()
    {
        try
        {
            Remove();
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            // The test removed it.
        }
        Queue.Dispose();
    }
}
