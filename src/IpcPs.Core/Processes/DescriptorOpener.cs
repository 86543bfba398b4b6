using IpcPs.Files;
using IpcPs.Mechanisms;
using Microsoft.Win32.SafeHandles;

namespace IpcPs.Processes;

/// <summary>Opens a descriptor that came from another process as an object: each mechanism checks whether it is one of its own.</summary>
public static class DescriptorOpener
{
    /// <summary>Opens a descriptor as an <see cref="IpcObject"/> (an end of a pipe, a socket, shared memory), as a
    /// <see cref="FileStream"/> for
    /// a regular file, or as a <see cref="SafeFileHandle"/> for anything else.</summary>
    /// <param name="descriptor">The descriptor. The result owns it; it is closed where this fails.</param>
    public static object Open(SafeDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        var info = Inspect(descriptor, null);
        try
        {
            if (Adopt(descriptor, info, null, IpcAccess.Default) is { } known) return known;
        }
        catch (IpcException) when (!descriptor.IsClosed)
        {
            // It is of a known kind but not usable as such. A handle is better than nothing.
        }
        var handle = new SafeFileHandle(descriptor.DangerousGetHandle(), ownsHandle: true);
        descriptor.SetHandleAsInvalid();
        if (info.FileType != Libc.S_IFREG) return handle;
        try
        {
            return new FileStream(handle,
                info.Access switch
                {
                    IpcAccess.Write => FileAccess.Write,
                    IpcAccess.ReadWrite => FileAccess.ReadWrite,
                    _ => FileAccess.Read,
                });
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens a descriptor as an object; closes it and returns null where it is not one.</summary>
    /// <param name="descriptor">The descriptor. The result owns it; it is closed where this fails.</param>
    /// <param name="known">The address that it was found by, or null.</param>
    /// <param name="access">The wanted access; Default for what it was opened for.</param>
    internal static IpcObject? TryOpen(SafeDescriptor descriptor, IpcAddress? known, IpcAccess access)
    {
        IpcObject? opened = null;
        try
        {
            return opened = Adopt(descriptor, Inspect(descriptor, known), known, access);
        }
        finally
        {
            if (opened is null) descriptor.Dispose();
        }
    }

    private static DescriptorInfo Inspect(SafeDescriptor descriptor, IpcAddress? known)
    {
        try
        {
            return DescriptorInfo.Of(descriptor, known);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static IpcObject? Adopt(SafeDescriptor descriptor, DescriptorInfo info, IpcAddress? known, IpcAccess access)
    {
        foreach (var mechanism in IpcMechanisms.All)
        {
            if (mechanism.Adopt(descriptor, info, known, access) is { } adopted) return adopted;
        }
        return null;
    }
}
