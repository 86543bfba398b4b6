using System.Runtime.InteropServices;

namespace IpcPs.Sockets.Native;

/// <summary>Control messages of unix sockets: descriptors that go along with a message (SCM_RIGHTS) and who sent it (SCM_CREDENTIALS); cmsg(3).</summary>
internal static unsafe class AncillaryData
{
    private const int HeaderSize = 16;

    /// <summary>Room for the most that can come: all descriptors, and credentials.</summary>
    public const int MaxControl = HeaderSize + Libc.MaxPassedDescriptors * 4 + 4 + HeaderSize + 16;

    /// <summary>Holds the descriptors open and lays out the control message for them.</summary>
    /// <param name="handles">What goes along; the caller gives them back with <see cref="Release"/>.</param>
    /// <param name="control">Room of <see cref="MaxControl"/> bytes.</param>
    /// <param name="address">For the error.</param>
    /// <returns>Bytes of control data.</returns>
    public static int Write(IReadOnlyList<SafeHandle> handles, byte* control, IpcAddress address)
    {
        if (handles.Count > Libc.MaxPassedDescriptors)
            throw IpcException.Argument($"A message carries at most {Libc.MaxPassedDescriptors} descriptors, and {handles.Count} were given.", address.Text);
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
        *(Libc.ControlHeader*)control = new Libc.ControlHeader { Length = (nuint)length, Level = Libc.SOL_SOCKET, Type = Libc.SCM_RIGHTS };
        return Align(length);
    }

    /// <summary>Lets go of the first handles that <see cref="Write"/> held.</summary>
    public static void Release(IReadOnlyList<SafeHandle> handles, int count)
    {
        for (var i = 0; i < count; i++) handles[i].DangerousRelease();
    }

    /// <summary>Reads what came along with a message. Every descriptor in it is owned by the result.</summary>
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
