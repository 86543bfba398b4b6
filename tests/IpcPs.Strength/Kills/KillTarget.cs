using IpcPs.Linux;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;

namespace IpcPs.Strength.Kills;

/// <summary>A mechanism whose senders and receivers are killed.</summary>
/// <param name="Name">What it is called in the table.</param>
/// <param name="Create">Creates the object, and returns its address; what it owns is disposed after the attack.</param>
/// <param name="Receivers">How many processes receive at the same time.</param>
/// <param name="LostWithReceiver">How many sent messages a killed receiver may take along; null: what lay in its buffers.</param>
internal sealed record KillTarget(string Name, Func<AttackContext, IpcAddress> Create, int Receivers, int? LostWithReceiver)
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<KillTarget> All { get; } =
    [
        new("FIFO", Fifo, 1, null),
        new("unix stream socket", static c => IpcAddress.Parse($"unix:{c.Folder}/s"), 1, null),
        new("unix seqpacket socket", static c => IpcAddress.Parse($"unix:{c.Folder}/s?type=seqpacket"), 1, null),
        new("unix datagram socket", static c => IpcAddress.Parse($"unix:{c.Folder}/s?type=datagram"), 1, null),
        new("TCP socket", static c => IpcAddress.Parse($"tcp:127.0.0.1:{20_000 + c.Random.Next(10_000)}"), 1, null),
        new("POSIX queue", static c => Owned(c, PosixQueue.Create(IpcAddress.Parse($"mq:/{c.NewName()}"))), 2, 1),
        new("System V queue", static c => Owned(c, SysVQueue.Create()), 2, 1),
        new("ring", static c => Owned(c, MessageRing.Create(
            IpcAddress.Parse($"ring:/{c.NewName()}"), new RingOptions { Capacity = 64 * 1024 })), 2, 1),
    ];

    // The attack keeps both ends open: what is in the pipe survives all of the others.
    private static IpcAddress Fifo(AttackContext context)
    {
        var pipe = context.Own(NamedPipe.Create(IpcAddress.Parse($"fifo:{context.Folder}/pipe")));
        context.Own(new SafeDescriptor(Libc.open(pipe.Path, Libc.O_RDWR | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0)));
        return pipe.Address;
    }

    private static IpcAddress Owned(AttackContext context, IpcChannel channel)
    {
        context.Own(channel);
        var address = channel.Address;
        context.AtEnd(() => Mechanisms.IpcMechanisms.For(address.Scheme).Remove(address));
        return address;
    }
}
