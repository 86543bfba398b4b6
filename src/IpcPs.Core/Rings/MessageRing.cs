using System.Runtime.CompilerServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Readiness;
using IpcPs.Rings.Algorithm;
using IpcPs.SharedMemory;
using IpcPs.Transports;

namespace IpcPs.Rings;

/// <summary>A ring of messages in shared memory, for any number of writers and readers. It is a queue, in which each message goes to one
/// reader, or a broadcast, in which every reader gets every message.</summary>
/// <remarks>It exists while a participant has it open, unless it was created to persist. The first send attaches this end as a writer, the
/// first receive as a reader. A ring that is opened for only one of the two attaches at once. A reader waits for the first writer. When the
/// last writer has detached or died and all its messages were received, <see cref="IpcChannel.Receive"/> returns false once; the next
/// receive waits for the next writer. Sending to a full queue whose last reader has detached fails with <see cref="IpcErrors.PeerClosed"/>.
/// A participant may be killed at any instruction, because one store sends a message and one store removes it.
/// A send or receive makes no system call while no thread sleeps. Calls otherwise: futex(2), fcntl(2), inotify(7).</remarks>
public sealed partial class MessageRing : MessageChannel, IIpcPermissions
{
    /// <summary>The default capacity: 1 MiB.</summary>
    public const long DefaultCapacity = RingLayout.DefaultCapacity;

    // Small enqueued messages are gathered here and sent together. It is faster to write larger ones into the ring directly.
    private const int StageSize = 16 * 1024;
    private const int LargestStaged = 1024;

    private readonly IpcAccess _access;
    private readonly RingParticipant _participant;
    private readonly DeadlineLock _sendLock = new();
    private RingWriter<MappedRingMemory> _writer;
    private RingReader<MappedRingMemory> _reader;
    private ReadyEvent? _readyEvent;
    private byte[] _stage = [];
    private int _staged;
    private bool _isComplete;

    // A broadcast between jobs carries messages of any size, in parts. It can: one process after the other writes, and no reader peeks.
    private readonly FragmentAssembler? _parts;

    private MessageRing(IpcAddress address, RingFile file, IpcAccess access, bool waitsForPeers) : base(address, receivesOneByOne: true)
    {
        _access = access;
        WaitsForPeers = waitsForPeers;
        Delivery = file.Header.Delivery;
        Capacity = file.Header.Capacity;
        MaxMessageSize = RingLayout.MaxMessage(Capacity);
        _parts = file.IsUnnamed && Delivery == RingDelivery.BroadcastHold ? new FragmentAssembler() : null;
        _participant = new RingParticipant(file, address.Text, Closing);
        _writer = new RingWriter<MappedRingMemory>(_participant.Memory, Delivery);
        _reader = new RingReader<MappedRingMemory>(_participant.Memory, Delivery);
    }

    /// <inheritdoc/>
    public override string Kind => "message ring";

    /// <summary>Which readers get a message, and what happens when the ring is full.</summary>
    public RingDelivery Delivery { get; }

    /// <summary>Bytes that the ring holds.</summary>
    public long Capacity { get; }

    /// <inheritdoc/>
    public override long MaxMessageSize { get; }

    /// <summary>Whether this end goes on without peers: instead of the end of the stream a receiver waits for the next writer, and a sender
    /// that finds the ring full waits for the next reader.</summary>
    public bool WaitsForPeers { get; }

    /// <summary>Whether the ring and its messages stay when the last participant detaches.</summary>
    public bool IsPersistent
    {
        get
        {
            using var hold = Hold();
            return _participant.Persists;
        }
        set
        {
            using var hold = Hold();
            _participant.Persists = value;
        }
    }

    /// <summary>Permissions of the ring's file. A user needs both read and write permission to use the ring.</summary>
    public UnixFileMode Mode { get => Permissions.Mode; set => Permissions.Mode = value; }

    /// <inheritdoc/>
    public string Owner { get => Permissions.Owner; set => Permissions.Owner = value; }

    /// <inheritdoc/>
    public string Group { get => Permissions.Group; set => Permissions.Group = value; }

    private FilePermissions Permissions => new(OpenDescriptor, Address.Text);

    /// <summary>How many messages of a broadcast this reader has lost, because it was too slow.</summary>
    public long LostMessages => _reader.Lost;

    /// <summary>Bytes of the messages in the ring, plus 8 to 15 bytes for each. 0 for a <see cref="RingDelivery.BroadcastHold"/> ring that
    /// this end does not read.</summary>
    public long PendingBytes
    {
        get
        {
            using var hold = Hold();
            var from = Delivery != RingDelivery.BroadcastHold ? _participant.Memory.ReadLong(RingLayout.Head)
                : _participant.IsReader ? _reader.Position : long.MaxValue;
            return Math.Clamp(_participant.Memory.ReadLong(RingLayout.Tail) - from, 0, Capacity);
        }
    }

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && !_isComplete && (_access & IpcAccess.Write) != 0;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed && (_access & IpcAccess.Read) != 0;

    /// <summary>The shared memory, for tests.</summary>
    internal MappedRingMemory Memory => _participant.Memory;

    /// <summary>Creates a ring. The umask does not change its mode.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (/dev/shm is full),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static MessageRing Create(IpcAddress address, RingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Attach(address, RingFile.Create(address, options ?? new RingOptions()), IpcAccess.ReadWrite, waitsForPeers: false, default);
    }

    /// <summary>Creates a ring without a name, and attaches to it as a writer. It is gone when the last process that has it open ends in
    /// any way.</summary>
    /// <param name="address">Its name in errors.</param>
    /// <param name="delivery">Which readers get a message.</param>
    internal static MessageRing CreateUnnamed(IpcAddress address, RingDelivery delivery = RingDelivery.Queue) =>
        Attach(address, RingFile.CreateUnnamed(address, delivery), IpcAccess.Write, waitsForPeers: false, default);

    /// <summary>Attaches to a ring without a name.</summary>
    /// <param name="address">Its name in errors.</param>
    /// <param name="descriptor">Its file, opened for this call. The ring owns it from now on.</param>
    /// <param name="access">For sending or for receiving.</param>
    internal static MessageRing OpenUnnamed(IpcAddress address, SafeDescriptor descriptor, IpcAccess access) =>
        Attach(address, RingFile.OpenUnnamed(address, descriptor), access, waitsForPeers: false, default);

    /// <summary>The text with which another process opens a ring that has no name.</summary>
    internal string ConnectionString => UnnamedTransport.ConnectionString(OpenDescriptor, Address);

    /// <summary>Opens an existing ring.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="access">For sending or for receiving, which attaches at once; or for both, which attaches with the first send or
    /// receive.</param>
    /// <param name="waitsForPeers">See <see cref="WaitsForPeers"/>.</param>
    /// <param name="wait">How long to wait for a process that is opening or closing the ring, and for the writers' lock.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.InvalidData"/> (damaged), <see cref="IpcErrors.LimitReached"/> (readers of a
    /// <see cref="RingDelivery.BroadcastHold"/> ring).</exception>
    public static MessageRing Open(
        IpcAddress address, IpcAccess access = IpcAccess.ReadWrite, bool waitsForPeers = false, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var wanted = access == IpcAccess.Default ? IpcAccess.ReadWrite : access;
        return Attach(address, RingFile.Open(address, wait), wanted, waitsForPeers, wait);
    }

    internal override SafeDescriptor? ReadinessDescriptor(in WaitOptions wait)
    {
        RequireReceive();
        var created = LazyInitializer.EnsureInitialized(
            ref _readyEvent, () => new ReadyEvent(() => Ready() != ReadyState.None, UntilChanged, Address.Text, Closing));
        return created.Ask();
    }

    // A message of a broadcast would reach the other readers a second time.
    private protected override bool OutlivesEnds => Delivery == RingDelivery.Queue;

    private protected override (string?, IpcAdvice) TooLargeHint =>
        ("A ring carries messages of up to almost half its capacity: create it with a larger capacity.", IpcAdvice.SetCapacity);

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, in WaitOptions wait)
    {
        if (options.Type is not null || options.ExceptType) throw Unsupported("message types");
        if (!_participant.IsReader) AttachReader(wait);
        do
        {
            switch (_reader.Receive(message, options.Peek, WaitsForPeers, wait))
            {
                case RingOutcome.Done:
                    break;
                case RingOutcome.NoPeers:
                    return false;
                case RingOutcome.TimedOut:
                    throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, wait.Deadline, IpcErrors.Empty);
                default:
                    throw RingHeader.Damaged(Address, "its contents contradict each other");
            }
            if (_participant.Mapping.WasCut) throw WasTruncated();
        }
        while (_parts is not null && !IsWhole(message));
        return true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // A thread that sends or receives ends, because Closing is cancelled. One that begins now finds the ring closed.
        _sendLock.Enter(default);
        ReceiveLock!.Enter(default);
        _reader.Detach();
        _readyEvent?.Dispose();
        _participant.Dispose();
        ReceiveLock!.Exit();
        _sendLock.Exit();
    }

    private SafeDescriptor OpenDescriptor
    {
        get
        {
            ThrowIfClosed();
            return _participant.Descriptor;
        }
    }

    private static MessageRing Attach(IpcAddress address, RingFile file, IpcAccess access, bool waitsForPeers, in WaitOptions wait)
    {
        MessageRing ring;
        try
        {
            ring = new MessageRing(address, file, access, waitsForPeers);
        }
        catch
        {
            file.Dispose();
            throw;
        }
        try
        {
            if (access == IpcAccess.Write) ring._participant.AttachWriter();
            if (access == IpcAccess.Read) ring.AttachReader(wait);
            return ring;
        }
        catch
        {
            ring.Dispose();
            throw;
        }
    }

    internal override ReadyState ReadyWithoutDescriptor()
    {
        var kept = base.ReadyWithoutDescriptor();
        return kept != ReadyState.None ? kept : Ready();
    }

    private ReadyState Ready()
    {
        if (!ReceiveLock!.Enter(Deadline.Immediate))
        {
            // Another thread receives, perhaps for long. A wait must not wait for that.
            using var hold = Hold();
            return _participant.IsReader && _reader.SeesMessage() ? ReadyState.Message : ReadyState.None;
        }
        try
        {
            ThrowIfClosed();
            if (!_participant.IsReader) AttachReader(default);
            return _reader.HasMessage() ? ReadyState.Message : !WaitsForPeers && _reader.HasEnded() ? ReadyState.Ended : ReadyState.None;
        }
        finally
        {
            ReceiveLock!.Exit();
        }
    }

    // Without the lock, which a receive may need meanwhile. The hold keeps the memory mapped.
    private void UntilChanged(CancellationToken cancellation)
    {
        using var hold = Hold();
        var memory = _participant.Memory;
        var ticket = RingEventCount.Announce(ref memory, RingLayout.DataSleepers);
        if (Ready() == ReadyState.None) memory.Sleep(RingLayout.DataSleepers, ticket, cancellation);
    }

    private void AttachReader(in WaitOptions wait)
    {
        if (Delivery != RingDelivery.Queue)
        {
            Enter(_sendLock, wait, "a send on another thread", IpcErrors.Empty);
            try
            {
                switch (_writer.AddReader(out var slot, out var cursor, out var number, wait))
                {
                    case RingOutcome.Done:
                        break;
                    case RingOutcome.TimedOut:
                        throw IpcException.TimedOut($"the writers' lock of '{Address}'", Address.Text, wait.Deadline);
                    default:
                        throw RingHeader.Damaged(Address, "another process has overwritten its locks");
                }
                if (slot == RingLayout.SlotCount)
                    throw new IpcException(IpcErrors.LimitReached,
                        $"'{Address}' has {RingLayout.SlotCount} readers, the most for a broadcast that waits for its slowest reader.",
                        Address.Text, "Create one that drops the oldest messages: it has no such limit.")
                    { Advice = IpcAdvice.UseDropOldest };
                _reader.Begin(slot, cursor, number);
            }
            finally
            {
                _sendLock.Exit();
            }
        }
        _participant.AttachReader();
    }

    private IpcException Unsupported(string what) =>
        new(IpcErrors.NotSupported, $"A {Kind} has no {what}.", Address.Text) { Advice = IpcAdvice.UseQueue };

    private IpcException WasTruncated() => RingHeader.Damaged(Address, "its file was truncated");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Enter(DeadlineLock side, in WaitOptions wait, string what, IpcErrorId immediate)
    {
        if (!side.Enter(wait)) throw IpcException.TimedOut($"{what} on '{Address}'", Address.Text, wait.Deadline, immediate);
        if (!IsClosed) return;
        side.Exit();
        throw WasClosed();
    }

    private MappedRegion.Hold Hold()
    {
        try
        {
            return _participant.Mapping.Enter();
        }
        catch (ObjectDisposedException)
        {
            throw WasClosed();
        }
    }
}
