using System.Runtime.InteropServices;
using IpcPs.Messaging;

namespace IpcPs.Sockets.Native;

/// <summary>The process and user at the other end of a connection, as far as the kernel reports them.</summary>
internal readonly record struct PeerIdentity(int? ProcessId, uint? UserId, uint? GroupId)
{
    public static PeerIdentity Of(in Libc.Credentials credentials) =>
        // The kernel reports process 0 when the process is not in this pid namespace.
        new(credentials.ProcessId > 0 ? credentials.ProcessId : null, credentials.UserId, credentials.GroupId);

    public string? User => UserId is { } id ? Accounts.UserName(id) : null;

    public override string ToString() =>
        UserId is null ? "an unknown user" : ProcessId is { } pid ? $"user {User}, process {pid}" : $"user {User}";
}

/// <summary>What came with a message besides its bytes.</summary>
internal struct ControlData
{
    /// <summary>Descriptors; null for none. Their receiver must close them.</summary>
    public List<SafeDescriptor>? Handles;

    /// <summary>The sender, if the socket enabled credentials.</summary>
    public Libc.Credentials? Sender;

    /// <summary>Whether descriptors were lost because this process may open no more.</summary>
    public bool LostHandles;

    /// <summary>Copies it to a message, which then owns the descriptors.</summary>
    public readonly void Describe(MessageBuffer message)
    {
        message.Handles = Handles;
        message.LostHandles = LostHandles;
        if (Sender is not { } sender) return;
        var peer = PeerIdentity.Of(sender);
        message.SenderId = peer.ProcessId;
        message.SenderUserId = peer.UserId;
    }
}

/// <summary>The control messages of Unix sockets (cmsg(3)): descriptors that are passed with a message (SCM_RIGHTS), and the message's
/// sender (SCM_CREDENTIALS).</summary>
internal static unsafe class AncillaryData
{
    private const int HeaderSize = 16;

    /// <summary>Bytes for the most that can arrive: the largest number of descriptors, and credentials.</summary>
    public const int MaxControl = HeaderSize + Libc.MaxPassedDescriptors * 4 + 4 + HeaderSize + 16;

    /// <summary>Holds the descriptors open and writes the control message for them.</summary>
    /// <param name="handles">The descriptors to pass. The caller calls <see cref="Release"/> after sending.</param>
    /// <param name="control">A buffer of <see cref="MaxControl"/> bytes.</param>
    /// <param name="address">For the error.</param>
    /// <returns>Bytes of control data.</returns>
    public static int Write(IReadOnlyList<SafeHandle> handles, byte* control, IpcAddress address)
    {
        const int Max = Libc.MaxPassedDescriptors;
        if (handles.Count > Max)
            throw IpcException.Argument($"A message carries up to {Max} descriptors, not {handles.Count}.", address.Text);
        var held = 0;
        try
        {
            var numbers = (int*)(control + HeaderSize);
            for (; held < handles.Count; held++)
            {
                var added = false;
                handles[held].DangerousAddRef(ref added);
                numbers[held] = (int)handles[held].DangerousGetHandle();
            }
        }
        catch
        {
            Release(handles, held);
            throw;
        }
        var length = HeaderSize + handles.Count * 4;
        *(Libc.ControlHeader*)control = new() { Length = (nuint)length, Level = Libc.SOL_SOCKET, Type = Libc.SCM_RIGHTS };
        return Align(length);
    }

    /// <summary>Releases the first handles that <see cref="Write"/> held open.</summary>
    public static void Release(IReadOnlyList<SafeHandle> handles, int count)
    {
        for (var i = 0; i < count; i++) handles[i].DangerousRelease();
    }

    /// <summary>Reads the control messages that came with a message. The result owns every descriptor in them.</summary>
    public static ControlData Read(byte* control, int length)
    {
        var data = default(ControlData);
        while (length >= HeaderSize)
        {
            var header = (Libc.ControlHeader*)control;
            var size = (int)header->Length;
            if (size < HeaderSize || size > length) break;
            if (header->Level == Libc.SOL_SOCKET) ReadOne(header->Type, control + HeaderSize, size - HeaderSize, ref data);
            var step = Align(size);
            control += step;
            length -= step;
        }
        return data;
    }

    private static void ReadOne(int type, byte* payload, int length, ref ControlData data)
    {
        switch (type)
        {
            case Libc.SCM_RIGHTS:
                data.Handles ??= new List<SafeDescriptor>(length / 4);
                for (var i = 0; i < length / 4; i++) data.Handles.Add(new SafeDescriptor(((int*)payload)[i]));
                break;
            case Libc.SCM_CREDENTIALS when length >= sizeof(Libc.Credentials):
                data.Sender = *(Libc.Credentials*)payload;
                break;
        }
    }

    private static int Align(int length) => (length + 7) & ~7;
}
