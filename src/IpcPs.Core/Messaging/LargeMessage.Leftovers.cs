using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using IpcPs.Files;
using IpcPs.Mechanisms;
using IpcPs.Proc;
using IpcPs.Queues;
using IpcPs.Rings.Algorithm;
using IpcPs.Sockets.Server;
using IpcPs.Transports;

namespace IpcPs.Messaging;

/// <content>Messages that no process received: which segments belong to which channel, and which are abandoned.</content>
internal sealed unsafe partial class LargeMessage
{
    /// <summary>Whether a POSIX name (with its slash) is that of a large message's segment.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name);

    /// <summary>The channel whose message a segment contains; null if the segment is of another kind or cannot be read.</summary>
    public static IpcAddress? ChannelOf(string name) => ChannelOf(name, out _);

    /// <param name="name">The segment's name.</param>
    /// <param name="toServer">Whether the server of a socket receives the message.</param>
    private static IpcAddress? ChannelOf(string name, out bool toServer)
    {
        toServer = false;
        if (!IsName(name)) return null;
        var fd = Libc.shm_open(name, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0) return null;
        using var segment = new SafeDescriptor(fd);
        Span<byte> head = stackalloc byte[MaxHeaderSize];
        var read = ReadSome(segment, head);
        if (read < AddressOffset || !head.StartsWith(Magic)) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(head[AddressLengthOffset..]);
        if (length > read - AddressOffset) return null;
        toServer = length < read - AddressOffset && head[AddressOffset + (int)length] == ToServer;
        return IpcAddress.TryParse(Encoding.UTF8.GetString(head.Slice(AddressOffset, (int)length)), out var address) ? address : null;
    }

    /// <summary>The segments with messages of a channel that were not received. A channel that is removed takes them along: they are found
    /// before that, because a new channel of the same name may have messages of its own after it.</summary>
    public static IReadOnlyList<string> NamesOf(IpcAddress channel) => NamesOf(c => c.Text == channel.Text);

    /// <inheritdoc cref="NamesOf(IpcAddress)"/>
    public static IReadOnlyList<string> NamesOf(Predicate<IpcAddress> isChannel)
    {
        var found = new List<string>();
        foreach (var file in FileStatus.NamesIn(RingFile.Folder, Libc.S_IFREG, static n => IsName("/" + n)))
        {
            if (ChannelOf("/" + file) is { } channel && isChannel(channel)) found.Add("/" + file);
        }
        return found;
    }

    /// <summary>Removes the segments of a channel that was removed.</summary>
    public static void Remove(IReadOnlyList<string> names)
    {
        foreach (var name in names) _ = Libc.shm_unlink(name);
    }

    /// <summary>Removes the segments of a channel that no process can open any more.</summary>
    public static void RemoveAll(IpcAddress channel) => Remove(NamesOf(channel));

    /// <summary>Removes the segments of a socket's address whose messages cannot be received any more, as proven.</summary>
    public static void RemoveAbandoned(IpcAddress channel) => Remove([.. NamesOf(channel).Where(static n => Evaluate(n).Abandoned)]);

    /// <summary>Decides whether a segment that no process has open is abandoned: whether its message can no longer be received. A queue
    /// keeps the messages of processes that have exited, so that the queue's own state decides.</summary>
    /// <returns>Whether it is abandoned, and the reason.</returns>
    public static (bool Abandoned, string Reason) Evaluate(string name)
    {
        if (ChannelOf(name, out var toServer) is not { } channel) return (true, "its message was never completed");
        // Only the jobs can look into the unnamed queue or ring between them. The process that created it cleans up when it exits.
        if (UnnamedTransport.CreatorOf(channel) is { } creator)
        {
            return ProcFile.IsRunning(creator)
                ? (false, $"process {creator}, which created '{channel}' for its jobs, is running")
                : (true, $"process {creator}, which created '{channel}' for its jobs, has exited");
        }
        try
        {
            using var opened = channel.Scheme is IpcScheme.Mq or IpcScheme.SysVMq ? IpcMechanisms.Open(channel) : null;
            var waiting = opened switch { PosixQueue posix => posix.CurrentMessages, SysVQueue sysv => sysv.CurrentMessages, _ => -1 };
            if (waiting == 0) return (true, $"'{channel}', whose message it contains, is empty");
            if (waiting > 0) return (false, $"one of the {waiting} messages in '{channel}' may refer to it");
        }
        catch (IpcException e)
        {
            return e.Id == IpcErrors.NotFound
                ? (true, $"'{channel}', whose message it contains, no longer exists")
                : (false, $"not proven: '{channel}', whose message it contains, cannot be opened");
        }
        // A socket or a ring: its messages cannot be counted, but they are received only while a process has it open.
        var sender = name.Split('-')[2];
        var isRunning = int.TryParse(sender, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && ProcFile.IsRunning(id);
        if (channel.Scheme == IpcScheme.Unix && SocketFile.IsAlive(channel) != false)
            return (false, $"'{channel}', whose message it contains, has a server");
        if (toServer && channel.Scheme == IpcScheme.Unix && IsUnbound(channel))
            return (true, $"no process has '{channel}' open, whose message it contains");
        return isRunning ? (false, $"its sender, process {sender}, is running") : (true, $"its sender, process {sender}, has exited");
    }

    /// <summary>Whether no socket has that name: no listener, and no connection that a listener accepted.</summary>
    private static bool IsUnbound(IpcAddress channel)
    {
        var name = channel.IsAbstract ? "@" + channel.Name : channel.Path;
        var isBound = ProcNetTable.Unix(out var problem).Any(s => s.Name == name);
        return problem is null && !isBound;
    }
}
