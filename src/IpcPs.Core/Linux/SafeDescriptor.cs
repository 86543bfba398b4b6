using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>A file descriptor that is closed once, and never while a call on another thread uses it (close(2)).</summary>
public sealed class SafeDescriptor : SafeHandle
{
    /// <summary>For the marshaller.</summary>
    public SafeDescriptor() : base(-1, ownsHandle: true)
    {
    }

    /// <summary>Owns a descriptor; with <paramref name="ownsHandle"/> false it never closes it.</summary>
    public SafeDescriptor(int descriptor, bool ownsHandle = true) : base(-1, ownsHandle) => SetHandle(descriptor);

    /// <inheritdoc/>
    public override bool IsInvalid => handle < 0;

    /// <summary>The number, for addresses and messages; valid only while the handle is open.</summary>
    public int Number => (int)handle;

    /// <summary>Passes the ownership on: the descriptor stays open, and this object is closed.</summary>
    /// <returns>Its number.</returns>
    public int Release()
    {
        var number = Number;
        SetHandleAsInvalid();
        return number;
    }

    /// <summary>Whether this process can have one more descriptor.</summary>
    internal static bool IsAnotherLeft()
    {
        var another = Libc.eventfd(0, Libc.EFD_CLOEXEC);
        return another >= 0 && Libc.close(another) == 0;
    }

    /// <summary>Keeps the descriptor open until <see cref="SafeHandle.DangerousRelease"/>, even where another thread closes it.</summary>
    /// <returns>Its number.</returns>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    internal int Hold()
    {
        var held = false;
        DangerousAddRef(ref held);
        return Number;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => Libc.close((int)handle) == 0;
}
