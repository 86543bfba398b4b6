using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using IpcPs.Files;
using IpcPs.Mechanisms;
using IpcPs.Proc;
using IpcPs.Queues;
using IpcPs.Rings.Algorithm;
using IpcPs.Sockets.Native;
using IpcPs.Sockets.Server;
using IpcPs.Transports;

namespace IpcPs.Messaging;

/// <summary>An Object too large for its transport, on its way in POSIX shared memory: the segment has the payload, and the message only its name
/// (docs/wire-format.md). Whoever receives the message reads the segment and unlinks it.</summary>
/// <remarks>Written and read with write(2) and read(2), not mapped: a segment that shrinks under a reader gives fewer bytes, not SIGBUS. Calls:
/// shm_open(3), shm_unlink(3), statx(2).</remarks>
internal sealed unsafe partial class LargeMessage : IDisposable
{
    private const int NonceSize = 16;
    private const int NonceOffset = 16;
    private const int LengthOffset = 32;
    private const int AddressLengthOffset = 40;
    private const int AddressOffset = 44;
    private const int LongestHead = 8192;
    private const uint Version = 1;

    // In a reference: nonce, length, name.
    private const int ReferenceName = NonceSize + 8;

    private readonly byte[] _nonce = RandomNumberGenerator.GetBytes(NonceSize);
    private readonly long _length;
    private SafeDescriptor? _segment;
    private bool _delivered;

    private LargeMessage(long length)
    {
        _length = length;
        Name = string.Create(CultureInfo.InvariantCulture, $"/ipcps-large-{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}");
    }

    /// <summary>The segment's name.</summary>
    public string Name { get; }

    private static ReadOnlySpan<byte> Magic => "IPCPSLRG"u8;

    /// <summary>Puts a payload into a segment of its own, mode 0600.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="address">The channel that it will be announced on: who finds the segment later can tell where it belongs.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no room in /dev/shm.</exception>
    public static LargeMessage Create(ReadOnlySpan<byte> payload, IpcAddress address)
    {
        var large = new LargeMessage(payload.Length);
        var fd = Libc.shm_open(large.Name, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, 0x180 /* 0600 */);
        if (fd < 0) throw IpcException.FromErrno("shm_open", Marshal.GetLastPInvokeError(), large.Name);
        // Held until the reference is on its way: who looks for abandoned segments sees that this one is in use.
        var segment = large._segment = new SafeDescriptor(fd);
        try
        {
            DescriptorPermissions.SetMode(segment, UnixFileMode.UserRead | UnixFileMode.UserWrite, large.Name);
            large.Write(segment, large.Head(address));
            large.Write(segment, payload);
            return large;
        }
        catch
        {
            large.Dispose();
            throw;
        }
    }

    /// <summary>What goes through the transport instead of the message.</summary>
    public byte[] Reference()
    {
        var reference = new byte[ReferenceName + Name.Length];
        _nonce.CopyTo(reference, 0);
        BinaryPrimitives.WriteInt64LittleEndian(reference.AsSpan(NonceSize), _length);
        Encoding.ASCII.GetBytes(Name, reference.AsSpan(ReferenceName));
        return reference;
    }

    /// <summary>The reference is on its way: from now on the segment is the receiver's.</summary>
    public void Delivered() => _delivered = true;

    /// <summary>Removes the segment where its reference was not sent.</summary>
    public void Dispose()
    {
        if (!_delivered) _ = Libc.shm_unlink(Name);
        _segment?.Dispose();
    }

    /// <summary>Replaces a received reference by the message that it refers to.</summary>
    /// <param name="message">The buffer with the reference as its payload.</param>
    /// <param name="address">Where it was received.</param>
    /// <param name="peek">Whether the segment stays, as the reference does.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: it refers to nothing that IpcPs would have made for it;
    /// <see cref="IpcErrors.AccessDenied"/>; <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public static void Resolve(MessageBuffer message, IpcAddress address, bool peek)
    {
        var reference = message.Payload.ToArray();
        if (reference.Length <= ReferenceName || !IsName(Encoding.Latin1.GetString(reference.AsSpan(ReferenceName))))
            throw Invalid(address, "it names no segment that IpcPs could have made");
        var name = Encoding.ASCII.GetString(reference.AsSpan(ReferenceName));
        var length = BinaryPrimitives.ReadInt64LittleEndian(reference.AsSpan(NonceSize));
        if (length is < 0 or > IpcChannel.MaxStreamMessage)
            throw new IpcException(IpcErrors.MessageTooLarge, $"A message on '{address}' claims {length} bytes in shared memory; at most {IpcChannel.MaxStreamMessage} are accepted.", address.Text);

        var fd = Libc.shm_open(name, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0) throw OpenFailed(Marshal.GetLastPInvokeError(), name, address);
        using var segment = new SafeDescriptor(fd);
        RequireOurs(segment, reference.AsSpan(0, NonceSize), length, name, address);
        Read(segment, message.Reserve((int)length)[..(int)length], name, address);
        message.Length = (int)length;
        if (!peek) _ = Libc.shm_unlink(name);
    }

    /// <summary>Whether a segment's name is one of these, with the slash that POSIX names begin with.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name);

    /// <summary>The channel that a segment's message was announced on; null where the segment is none of these or can't be read.</summary>
    public static IpcAddress? ChannelOf(string name)
    {
        if (!IsName(name)) return null;
        var fd = Libc.shm_open(name, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0) return null;
        using var segment = new SafeDescriptor(fd);
        Span<byte> head = stackalloc byte[LongestHead];
        var read = ReadSome(segment, head);
        if (read < AddressOffset || !head.StartsWith(Magic)) return null;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(head[AddressLengthOffset..]);
        if (length > read - AddressOffset) return null;
        return IpcAddress.TryParse(Encoding.UTF8.GetString(head.Slice(AddressOffset, (int)length)), out var address) ? address : null;
    }

    /// <summary>Removes the messages that nobody received on a channel that is gone, or whose sender was killed before it had announced them.</summary>
    public static void RemoveAll(IpcAddress channel)
    {
        foreach (var file in PathWatch.FilesIn(RingFile.Folder, Libc.S_IFREG, static n => IsName("/" + n)))
        {
            if (ChannelOf("/" + file)?.Text == channel.Text) _ = Libc.shm_unlink("/" + file);
        }
    }

    /// <summary>Whether a segment that no process has open can still be received. A queue keeps messages of processes that have ended, so only the
    /// queue itself can tell.</summary>
    /// <returns>Whether it is abandoned, and why or why not.</returns>
    public static (bool Abandoned, string Reason) Evaluate(string name)
    {
        if (ChannelOf(name) is not { } channel) return (true, "the message in it was never finished");
        // Of a link between jobs nobody but its processes can look into the queue or ring; whoever made it cleans up at its end.
        if (UnnamedTransport.CreatorOf(channel) is { } maker)
            return ProcFile.IsRunning(maker) ? (false, $"process {maker} runs, whose jobs talk through '{channel}'") : (true, $"process {maker} has ended, whose jobs talked through '{channel}'");
        try
        {
            using var opened = channel.Scheme is IpcScheme.Mq or IpcScheme.SysVMq ? IpcMechanisms.Open(channel) : null;
            var waiting = opened switch { PosixQueue posix => posix.CurrentMessages, SysVQueue sysv => sysv.CurrentMessages, _ => -1 };
            if (waiting == 0) return (true, $"'{channel}', on which it was announced, is empty");
            if (waiting > 0) return (false, $"one of the {waiting} messages in '{channel}' may refer to it");
        }
        catch (IpcException e)
        {
            return e.Id == IpcErrors.NotFound ? (true, $"'{channel}', on which it was announced, is gone") : (false, $"not proven: '{channel}', on which it was announced, can't be looked into");
        }
        // A socket or a ring: what is under way in it can't be counted, but goes on only while somebody is there.
        var sender = name.Split('-')[2];
        var isRunning = int.TryParse(sender, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && ProcFile.IsRunning(id);
        if (channel.Scheme == IpcScheme.Unix && SocketFile.IsAlive(channel, NativeSocketAddress.Of(channel)) != false) return (false, $"'{channel}', on which it was announced, has a server");
        return isRunning ? (false, $"process {sender}, which sent it, runs") : (true, $"process {sender}, which sent it, has ended");
    }

    // \z and not $, which would let a line break pass.
    [GeneratedRegex(@"\A/ipcps-large-[1-9][0-9]{0,9}-[0-9a-f]{16}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    private byte[] Head(IpcAddress address)
    {
        var text = Encoding.UTF8.GetBytes(address.Text);
        var head = new byte[PayloadOffset(text.Length)];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(12), (uint)head.Length);
        _nonce.CopyTo(head, NonceOffset);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(LengthOffset), _length);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(AddressLengthOffset), (uint)text.Length);
        text.CopyTo(head, AddressOffset);
        return head;
    }

    private static int PayloadOffset(int addressLength) => (AddressOffset + addressLength + 7) & ~7;

    /// <summary>Refuses what a hostile sender could refer to: another's file, one that is no segment, or a message that was announced elsewhere. The
    /// nonce is in the segment, which only its owner reads, so whoever knows it made the segment or was told of it.</summary>
    private static void RequireOurs(SafeDescriptor segment, ReadOnlySpan<byte> nonce, long length, string name, IpcAddress address)
    {
        var stat = DescriptorPermissions.Stat(segment, name);
        var user = Libc.geteuid();
        if (!stat.IsType(Libc.S_IFREG)) throw Invalid(address, $"'{name}' is no shared memory");
        if (stat.UserId != user && user != 0) throw NotOurs(name, address);
        Span<byte> head = stackalloc byte[AddressOffset];
        if (ReadSome(segment, head) < AddressOffset || !head.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(head[8..]) != Version)
            throw Invalid(address, $"'{name}' has no such message in it");
        if (!CryptographicOperations.FixedTimeEquals(nonce, head.Slice(NonceOffset, NonceSize))) throw Invalid(address, $"'{name}' was announced by somebody else");
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        if (offset is < AddressOffset or > LongestHead || BinaryPrimitives.ReadInt64LittleEndian(head[LengthOffset..]) != length || stat.Size != (ulong)(offset + length))
            throw Invalid(address, $"'{name}' has another length than announced");
        Span<byte> rest = stackalloc byte[LongestHead];
        Read(segment, rest[..((int)offset - AddressOffset)], name, address);
    }

    private void Write(SafeDescriptor segment, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            for (nint written = 0; written < bytes.Length;)
            {
                var done = Libc.write(segment, first + written, (nuint)(bytes.Length - written));
                if (done >= 0)
                {
                    written += done;
                    continue;
                }
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.ENOSPC)
                {
                    throw new IpcException(IpcErrors.LimitReached, $"The shared memory file system /dev/shm has no room for a message of {_length} bytes.", Name, "Remove segments that nobody needs (Get-IpcObject -Stale), or enlarge it: mount -o remount,size=… /dev/shm.")
                    { Errno = errno, Call = "write" };
                }
                if (errno != Errno.EINTR) throw IpcException.FromErrno("write", errno, Name);
            }
        }
    }

    private static void Read(SafeDescriptor segment, Span<byte> target, string name, IpcAddress address)
    {
        if (ReadSome(segment, target) < target.Length) throw Invalid(address, $"'{name}' was cut short");
    }

    private static int ReadSome(SafeDescriptor segment, Span<byte> target)
    {
        var total = 0;
        fixed (byte* first = target)
        {
            while (total < target.Length)
            {
                var read = Libc.read(segment, first + total, (nuint)(target.Length - total));
                if (read < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR) continue;
                if (read <= 0) break;
                total += (int)read;
            }
        }
        return total;
    }

    private static IpcException OpenFailed(int errno, string name, IpcAddress address) => errno switch
    {
        Errno.EACCES => NotOurs(name, address),
        Errno.ENOENT => Invalid(address, $"'{name}' does not exist (any more)"),
        _ => IpcException.FromErrno("shm_open", errno, name),
    };

    private static IpcException NotOurs(string name, IpcAddress address) =>
        new(IpcErrors.AccessDenied, $"A message on '{address}' is in shared memory of another user's, '{name}', which only that user may read and remove.", address.Text,
            "Between users make the queue with a -MaxMessageSize that the messages fit in, or use a socket.");

    private static IpcException Invalid(IpcAddress address, string why) =>
        new(IpcErrors.InvalidData, $"A message on '{address}' refers to shared memory, and {why}.", address.Text, "Receive with -Format Bytes to see what the other side sends.");
}
