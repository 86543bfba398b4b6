using System.Runtime.CompilerServices;
using IpcPs.Files;
using IpcPs.Messaging;
using IpcPs.Rings.Algorithm;
using IpcPs.SharedMemory;
using IpcPs.Transports;

namespace IpcPs.Rings;

/// <summary>A ring of messages in shared memory, for any number of writers and readers. A queue, in which each message goes to one reader, or a broadcast, in which every
/// reader gets every message.</summary>
/// <remarks>It exists while a participant has it open, unless it was made to persist. Who sends for the first time attaches as a writer, who receives for the first time as
/// a reader; a ring that is opened for one of both attaches at once. A reader waits for the first writer. When the last writer has left, or died, and everything is received,
/// <see cref="IpcChannel.Receive"/> says so once; then it waits for the next writer. A full queue whose last reader has left gives <see cref="IpcErrors.PeerClosed"/>. A participant may be
/// killed at any instruction: a message is sent with one store, and taken with one.
/// No system call is made while neither side sleeps. Calls otherwise: futex(2), fcntl(2), inotify(7).</remarks>
public sealed partial class MessageRing : MessageChannel, IIpcPermissions
{
    /// <summary>Bytes that a ring holds where nothing else is asked for: 1 MiB.</summary>
    public const long DefaultCapacity = RingLayout.DefaultCapacity;

    // Small messages that are enqueued are sent together; one that has more bytes is better written into the ring at once.
    private const int StageSize = 16 * 1024;
    private const int LargestStaged = 1024;

    private readonly IpcAccess _access;
    private readonly RingParticipant _participant;
    private readonly DeadlineLock _sendGate = new();
    private readonly DeadlineLock _receiveGate = new();
    private RingWriter<MappedRingMemory> _writer;
    private RingReader<MappedRingMemory> _reader;
    private RingReadyEvent? _readiness;
    private byte[] _stage = [];
    private int _staged;
    private bool _isComplete;

    private MessageRing(IpcAddress address, RingFile file, IpcAccess access, bool waitsForPeers) : base(address)
    {
        _access = access;
        WaitsForPeers = waitsForPeers;
        Delivery = file.Header.Delivery;
        Capacity = file.Header.Capacity;
        MaxMessageSize = RingLayout.MaxMessage(Capacity);
        _participant = new RingParticipant(file, address.Text, Closing);
        _writer = new RingWriter<MappedRingMemory>(_participant.Memory, Delivery);
        _reader = new RingReader<MappedRingMemory>(_participant.Memory, Delivery);
    }

    /// <inheritdoc/>
    public override string Kind => "message ring";

    /// <summary>Who gets a message, and what happens when the ring is full.</summary>
    public RingDelivery Delivery { get; }

    /// <summary>Bytes that it holds.</summary>
    public long Capacity { get; }

    /// <inheritdoc/>
    public override long MaxMessageSize { get; }

    /// <summary>Whether this end outlives its peers: a receiver waits for the next writer instead of seeing the end, a sender that finds the ring full waits for the next
    /// reader.</summary>
    public bool WaitsForPeers { get; }

    /// <summary>Whether the ring, and what is in it, stays when the last participant leaves.</summary>
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

    /// <summary>Permissions; who may use the ring must be able to read and to write it.</summary>
    public UnixFileMode Mode
    {
        get => DescriptorPermissions.ModeOf(DescriptorPermissions.Stat(OpenDescriptor, Address.Text));
        set => DescriptorPermissions.SetMode(OpenDescriptor, value, Address.Text);
    }

    /// <inheritdoc/>
    public string Owner
    {
        get => Accounts.UserName(DescriptorPermissions.Stat(OpenDescriptor, Address.Text).UserId);
        set => DescriptorPermissions.SetOwner(OpenDescriptor, value, Address.Text);
    }

    /// <inheritdoc/>
    public string Group
    {
        get => Accounts.GroupName(DescriptorPermissions.Stat(OpenDescriptor, Address.Text).GroupId);
        set => DescriptorPermissions.SetGroup(OpenDescriptor, value, Address.Text);
    }

    /// <summary>Messages of a broadcast that this reader was too slow for.</summary>
    public long LostMessages => _reader.Lost;

    /// <summary>Bytes of messages, with 8 to 15 more for each, that are in the ring: of a broadcast that holds, and that this end does not read, 0.</summary>
    public long PendingBytes
    {
        get
        {
            using var hold = Hold();
            var from = Delivery == RingDelivery.BroadcastHold ? (_participant.IsReader ? _reader.Position : long.MaxValue) : _participant.Memory.ReadLong(RingLayout.Head);
            return Math.Clamp(_participant.Memory.ReadLong(RingLayout.Tail) - from, 0, Capacity);
        }
    }

    /// <inheritdoc/>
    public override bool CanSend => !IsClosed && !_isComplete && (_access & IpcAccess.Write) != 0;

    /// <inheritdoc/>
    public override bool CanReceive => !IsClosed && (_access & IpcAccess.Read) != 0;

    /// <summary>What it shares, for the tests.</summary>
    internal MappedRingMemory Memory => _participant.Memory;

    /// <summary>Makes a ring. Its mode is as asked, whatever the umask.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.LimitReached"/> (no room in /dev/shm),
    /// <see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static MessageRing Create(IpcAddress address, RingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Attach(address, RingFile.Create(address, options ?? new RingOptions()), IpcAccess.ReadWrite, waitsForPeers: false, default);
    }

    /// <summary>Makes a ring that nobody can find, and attaches to it as a writer: it is gone with the last process that has it open, however that ends.</summary>
    /// <param name="address">What it is called in errors.</param>
    internal static MessageRing CreateUnnamed(IpcAddress address) =>
        Attach(address, RingFile.CreateUnnamed(address), IpcAccess.Write, waitsForPeers: false, default);

    /// <summary>Attaches to a ring that nobody can find.</summary>
    /// <param name="address">What it is called in errors.</param>
    /// <param name="descriptor">Its file, opened for this; the ring's from now on.</param>
    /// <param name="access">For sending or for receiving.</param>
    internal static MessageRing OpenUnnamed(IpcAddress address, SafeDescriptor descriptor, IpcAccess access) =>
        Attach(address, RingFile.OpenUnnamed(address, descriptor), access, waitsForPeers: false, default);

    /// <summary>The text with which another process opens a ring that has no name.</summary>
    internal string ConnectionString => UnnamedTransport.ConnectionString(OpenDescriptor, Address);

    /// <summary>Opens a ring that exists.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="access">For sending or for receiving, which attaches at once, or for both, which attaches when it is done for the first time.</param>
    /// <param name="waitsForPeers">See <see cref="WaitsForPeers"/>.</param>
    /// <param name="deadline">Until when to wait for a process that is just leaving it, and for the lock of its writers.</param>
    /// <param name="cancellation">Ends that wait.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>, <see cref="IpcErrors.WrongKind"/>,
    /// <see cref="IpcErrors.InvalidData"/> (damaged), <see cref="IpcErrors.LimitReached"/> (readers of a broadcast that holds).</exception>
    public static MessageRing Open(IpcAddress address, IpcAccess access = IpcAccess.ReadWrite, bool waitsForPeers = false, Deadline deadline = default, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var wanted = access == IpcAccess.Default ? IpcAccess.ReadWrite : access;
        return Attach(address, RingFile.Open(address, deadline, cancellation), wanted, waitsForPeers, new RingWait(deadline, cancellation));
    }

    internal override SafeDescriptor? ReadinessDescriptor(Deadline deadline, CancellationToken cancellation)
    {
        RequireReceive();
        return LazyInitializer.EnsureInitialized(ref _readiness, () => new RingReadyEvent(IsReady, UntilChanged, Address.Text, Closing)).Ask();
    }

    private protected override string? TooLargeHint => "A ring takes messages of almost half its capacity: make it with a larger -Capacity.";

    private protected override bool ReceivePacket(MessageBuffer message, in ReceiveOptions options, Deadline deadline, CancellationToken cancellation)
    {
        if (options.Type is not null || options.ExceptType) throw Unsupported("message types");
        var wait = new RingWait(deadline, cancellation);
        EnterLock(_receiveGate, wait, "a receive on another thread", IpcErrors.Empty);
        try
        {
            if (!_participant.IsReader) AttachReader(wait);
            switch (_reader.Receive(message, options.Peek, WaitsForPeers, wait))
            {
                case RingOutcome.Done:
                    break;
                case RingOutcome.PeersGone:
                    return false;
                case RingOutcome.TimedOut:
                    throw IpcException.TimedOut($"a message on '{Address}'", Address.Text, deadline, IpcErrors.Empty);
                default:
                    throw RingHeader.Damaged(Address, "what is in it contradicts itself");
            }
            if (_participant.Mapping.WasCut) throw WasCut();
            return true;
        }
        finally
        {
            _receiveGate.Exit();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Whoever is in it leaves, because Closing is cancelled; whoever comes now finds it closed.
        _sendGate.Enter(default, default);
        _receiveGate.Enter(default, default);
        _reader.Leave();
        _readiness?.Dispose();
        _participant.Dispose();
        _receiveGate.Exit();
        _sendGate.Exit();
    }

    private SafeDescriptor OpenDescriptor
    {
        get
        {
            ThrowIfClosed();
            return _participant.Descriptor;
        }
    }

    private static MessageRing Attach(IpcAddress address, RingFile file, IpcAccess access, bool waitsForPeers, in RingWait wait)
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

    private bool IsReady()
    {
        EnterLock(_receiveGate, default, "a receive on another thread", IpcErrors.Empty);
        try
        {
            if (!_participant.IsReader) AttachReader(default);
            return _reader.IsReady(WaitsForPeers);
        }
        finally
        {
            _receiveGate.Exit();
        }
    }

    // Not under the gate, which a receive wants meanwhile; what it touches stays mapped until it has left.
    private void UntilChanged()
    {
        using var hold = Hold();
        var memory = _participant.Memory;
        var ticket = RingEventCount.Announce(ref memory, RingLayout.DataSleepers);
        if (!IsReady()) memory.Sleep(RingLayout.DataSleepers, ticket, default);
    }

    private void AttachReader(in RingWait wait)
    {
        if (Delivery != RingDelivery.Queue)
        {
            EnterLock(_sendGate, wait, "a send on another thread", IpcErrors.Empty);
            try
            {
                switch (_writer.AddReader(out var slot, out var cursor, out var number, wait))
                {
                    case RingOutcome.Done:
                        break;
                    case RingOutcome.TimedOut:
                        throw IpcException.TimedOut($"the writers' lock of '{Address}'", Address.Text, wait.Deadline);
                    default:
                        throw RingHeader.Damaged(Address, "another process meddles with its locks");
                }
                if (slot == RingLayout.SlotCount)
                    throw new IpcException(IpcErrors.LimitReached, $"'{Address}' has {RingLayout.SlotCount} readers, and a broadcast that holds its writers back for the slowest has no more.", Address.Text, "Make it with -Overflow DropOldest, which has no such limit.");
                _reader.Begin(slot, cursor, number);
            }
            finally
            {
                _sendGate.Exit();
            }
        }
        _participant.AttachReader();
    }

    private IpcException Unsupported(string what) =>
        new(IpcErrors.NotSupported, $"A {Kind} has no {what}.", Address.Text, "New-IpcQueue makes an object that has them.");

    private IpcException WasCut() => RingHeader.Damaged(Address, "its file was cut short");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EnterLock(DeadlineLock gate, in RingWait wait, string what, IpcErrorId immediate)
    {
        if (!gate.Enter(wait.Deadline, wait.Cancellation)) throw IpcException.TimedOut($"{what} on '{Address}'", Address.Text, wait.Deadline, immediate);
        if (!IsClosed) return;
        gate.Exit();
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
