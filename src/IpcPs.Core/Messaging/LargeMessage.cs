using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using IpcPs.Files;

namespace IpcPs.Messaging;

/// <summary>An Object that is too large for its transport, sent through POSIX shared memory: the segment contains the payload, and the
/// message only a reference to it (docs/wire-format.md). The receiver reads the segment and unlinks it.</summary>
/// <remarks>Uses write(2) and read(2) instead of a mapping: if the segment shrinks during a read, that returns fewer bytes, where a mapping
/// would raise SIGBUS. Calls: shm_open(3), shm_unlink(3), statx(2).</remarks>
internal sealed unsafe partial class LargeMessage : IDisposable
{
    private const int NonceSize = 16;
    private const int NonceOffset = 16;
    private const int LengthOffset = 32;
    private const int AddressLengthOffset = 40;
    private const int AddressOffset = 44;
    private const int MaxHeaderSize = 8192;
    private const uint Version = 1;
    private const byte ToServer = 1;

    // A reference consists of nonce, length and name.
    private const int ReferenceNameOffset = NonceSize + 8;

    private readonly byte[] _nonce = RandomNumberGenerator.GetBytes(NonceSize);
    private readonly long _length;
    private SafeDescriptor? _segment;
    private bool _delivered;

    private LargeMessage(long length)
    {
        _length = length;
        var random = RandomNumberGenerator.GetHexString(16, lowercase: true);
        Name = string.Create(CultureInfo.InvariantCulture, $"/ipcps-large-{Environment.ProcessId}-{random}");
    }

    /// <summary>The segment's name.</summary>
    public string Name { get; }

    private static ReadOnlySpan<byte> Magic => "IPCPSLRG"u8;

    /// <summary>Creates a segment with mode 0600 that contains a payload.</summary>
    /// <param name="payload">The message's bytes.</param>
    /// <param name="address">The channel that the reference will be sent on. The segment's header names it, for the inventory.</param>
    /// <param name="toServer">Whether the server of a socket receives it.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: /dev/shm is full.</exception>
    public static LargeMessage Create(ReadOnlySpan<byte> payload, IpcAddress address, bool toServer = false)
    {
        var large = new LargeMessage(payload.Length);
        var fd = Libc.shm_open(large.Name, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, 0x180 /* 0600 */);
        if (fd < 0) throw IpcException.FromErrno("shm_open", Marshal.GetLastPInvokeError(), large.Name);
        // Kept open until the reference is sent, so that the segment is not taken for an abandoned one.
        var segment = large._segment = new SafeDescriptor(fd);
        try
        {
            FilePermissions.SetMode(segment, UnixFileMode.UserRead | UnixFileMode.UserWrite, large.Name);
            large.Write(segment, large.Header(address, toServer));
            large.Write(segment, payload);
            return large;
        }
        catch
        {
            large.Dispose();
            throw;
        }
    }

    /// <summary>The payload that is sent instead of the message.</summary>
    public byte[] Reference()
    {
        var reference = new byte[ReferenceNameOffset + Name.Length];
        _nonce.CopyTo(reference, 0);
        BinaryPrimitives.WriteInt64LittleEndian(reference.AsSpan(NonceSize), _length);
        Encoding.ASCII.GetBytes(Name, reference.AsSpan(ReferenceNameOffset));
        return reference;
    }

    /// <summary>Records that the reference was sent: from now on the receiver unlinks the segment.</summary>
    public void MarkDelivered() => _delivered = true;

    /// <summary>Unlinks the segment, unless its reference was sent.</summary>
    public void Dispose()
    {
        if (!_delivered) _ = Libc.shm_unlink(Name);
        _segment?.Dispose();
    }

    /// <summary>Replaces a received reference by its message.</summary>
    /// <param name="message">The buffer that gets the message.</param>
    /// <param name="reference">The reference.</param>
    /// <param name="address">The channel that it was received on.</param>
    /// <param name="peek">Whether the segment is kept, because the reference stays in the channel.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: the segment does not exist or does not belong to the reference;
    /// <see cref="IpcErrors.AccessDenied"/>; <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    public static void Resolve(MessageBuffer message, ReadOnlySpan<byte> reference, IpcAddress address, bool peek)
    {
        using var segment = Open(reference, address, out var name, out var length);
        Read(segment, message.Reserve(length)[..length], name, address);
        message.Length = length;
        if (!peek) _ = Libc.shm_unlink(name);
    }

    /// <summary>The length of the message that a reference stands for; 0 if it is not a reference.</summary>
    public static long LengthOf(ReadOnlySpan<byte> reference) =>
        reference.Length <= ReferenceNameOffset ? 0 : BinaryPrimitives.ReadInt64LittleEndian(reference[NonceSize..]);

    /// <summary>Removes the segment of a reference that will not be received, if it is one that this user could have received.</summary>
    public static void Discard(ReadOnlySpan<byte> reference, IpcAddress address)
    {
        try
        {
            using var segment = Open(reference, address, out var name, out _);
            _ = Libc.shm_unlink(name);
        }
        catch (IpcException)
        {
            // It does not exist, or is another user's.
        }
    }

    /// <summary>Opens and checks the segment of a reference, up to the first byte of the message.</summary>
    private static SafeDescriptor Open(ReadOnlySpan<byte> reference, IpcAddress address, out string name, out int size)
    {
        if (reference.Length <= ReferenceNameOffset || !IsName(Encoding.Latin1.GetString(reference[ReferenceNameOffset..])))
            throw Invalid(address, "its name is not one that IpcPs creates");
        name = Encoding.ASCII.GetString(reference[ReferenceNameOffset..]);
        var length = BinaryPrimitives.ReadInt64LittleEndian(reference[NonceSize..]);
        if (length is < 0 or > IpcChannel.MaxStreamMessage)
        {
            throw new IpcException(
                IpcErrors.MessageTooLarge,
                $"A message on '{address}' claims {length} bytes in shared memory; at most {IpcChannel.MaxStreamMessage} are accepted.",
                address.Text);
        }

        var fd = Libc.shm_open(name, Libc.O_RDONLY | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0);
        if (fd < 0) throw OpenFailed(Marshal.GetLastPInvokeError(), name, address);
        var segment = new SafeDescriptor(fd);
        try
        {
            Validate(segment, reference[..NonceSize], length, name, address);
        }
        catch
        {
            segment.Dispose();
            throw;
        }
        size = (int)length;
        return segment;
    }

    // \z, because $ would accept a line break at the end.
    [GeneratedRegex(@"\A/ipcps-large-[1-9][0-9]{0,9}-[0-9a-f]{16}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    private byte[] Header(IpcAddress address, bool toServer)
    {
        var text = Encoding.UTF8.GetBytes(address.Text);
        var header = new byte[PayloadOffset(text.Length)];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), (uint)header.Length);
        _nonce.CopyTo(header, NonceOffset);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(LengthOffset), _length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(AddressLengthOffset), (uint)text.Length);
        text.CopyTo(header, AddressOffset);
        if (toServer) header[AddressOffset + text.Length] = ToServer;
        return header;
    }

    private static int PayloadOffset(int addressLength) => (AddressOffset + addressLength + 1 + 7) & ~7;

    /// <summary>Refuses what a hostile sender could refer to: another user's file, a file that is not a segment, or another message's
    /// segment. Only the segment's owner can read its nonce, so that a reference with this nonce comes from that user.</summary>
    private static void Validate(SafeDescriptor segment, ReadOnlySpan<byte> nonce, long length, string name, IpcAddress address)
    {
        var stat = FileStatus.Of(segment, name);
        var user = Libc.geteuid();
        if (!stat.IsType(Libc.S_IFREG)) throw Invalid(address, $"'{name}' is not a shared memory object");
        if (stat.UserId != user && user != 0) throw OtherUsers(name, address);
        Span<byte> head = stackalloc byte[AddressOffset];
        var read = ReadSome(segment, head);
        if (read < AddressOffset || !head.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(head[8..]) != Version)
            throw Invalid(address, $"'{name}' does not contain a message");
        if (!CryptographicOperations.FixedTimeEquals(nonce, head.Slice(NonceOffset, NonceSize)))
            throw Invalid(address, $"'{name}' contains another message");
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        if (offset is < AddressOffset or > MaxHeaderSize || BinaryPrimitives.ReadInt64LittleEndian(head[LengthOffset..]) != length
            || stat.Size != offset + length)
        {
            throw Invalid(address, $"'{name}' has another length than the message claims");
        }
        Span<byte> rest = stackalloc byte[MaxHeaderSize];
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
                    throw new IpcException(
                        IpcErrors.LimitReached, $"/dev/shm has not enough space for a message of {_length} bytes.", Name,
                        "Remove segments that no process needs, or enlarge it: mount -o remount,size=… /dev/shm.")
                    { Errno = errno, Call = "write", Advice = IpcAdvice.RemoveStale };
                }
                if (errno != Errno.EINTR) throw IpcException.FromErrno("write", errno, Name);
            }
        }
    }

    private static void Read(SafeDescriptor segment, Span<byte> target, string name, IpcAddress address)
    {
        if (ReadSome(segment, target) < target.Length) throw Invalid(address, $"'{name}' was truncated");
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
        Errno.EACCES => OtherUsers(name, address),
        Errno.ENOENT => Invalid(address, $"'{name}' does not exist"),
        _ => IpcException.FromErrno("shm_open", errno, name),
    };

    private static IpcException OtherUsers(string name, IpcAddress address) =>
        new(IpcErrors.AccessDenied,
            $"A message on '{address}' is in the shared memory segment '{name}' of another user, which only that user may read and remove.",
            address.Text, "Between users, create the queue with a larger maximum message size, or use a socket.")
        { Advice = IpcAdvice.SetMaxMessageSize };

    private static IpcException Invalid(IpcAddress address, string why) =>
        new(IpcErrors.InvalidData, $"A message on '{address}' refers to a shared memory segment, but {why}.", address.Text)
        { Advice = IpcAdvice.ReceiveBytes };
}
