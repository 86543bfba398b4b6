using IpcPs.Files;
using IpcPs.Mechanisms;
using Microsoft.Win32.SafeHandles;

namespace IpcPs.Processes;

/// <summary>Makes a live object of a descriptor that came from another process: each mechanism is asked whether it is one of its own.</summary>
public static class DescriptorOpener
{
    /// <summary>Opens a descriptor as what it is: an <see cref="IpcObject"/> (an end of a pipe, a socket, shared memory), a <see cref="FileStream"/> for a regular
    /// file, a <see cref="SafeFileHandle"/> for anything else.</summary>
    /// <param name="descriptor">The descriptor; whatever comes of it owns it from now on, also when this fails.</param>
    public static object Open(SafeDescriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        var facts = Facts(descriptor, null);
        try
        {
            if (Ask(descriptor, facts, null, IpcAccess.Default) is { } known) return known;
        }
        catch (IpcException) when (!descriptor.IsClosed)
        {
            // Of a kind that is known, and yet not usable as one: a handle is better than nothing.
        }
        var handle = new SafeFileHandle(descriptor.DangerousGetHandle(), ownsHandle: true);
        descriptor.SetHandleAsInvalid();
        if (facts.FileType != Libc.S_IFREG) return handle;
        try
        {
            return new FileStream(handle, facts.Access switch { IpcAccess.Write => FileAccess.Write, IpcAccess.ReadWrite => FileAccess.ReadWrite, _ => FileAccess.Read });
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens a descriptor as the object that it is; null, and closed, where it is none.</summary>
    /// <param name="descriptor">The descriptor; owned from now on, also when this fails.</param>
    /// <param name="known">The address that it was found by, or null.</param>
    /// <param name="access">What for; Default for what it was opened for.</param>
    internal static IpcObject? TryOpen(SafeDescriptor descriptor, IpcAddress? known, IpcAccess access)
    {
        IpcObject? opened = null;
        try
        {
            return opened = Ask(descriptor, Facts(descriptor, known), known, access);
        }
        finally
        {
            if (opened is null) descriptor.Dispose();
        }
    }

    private static DescriptorFacts Facts(SafeDescriptor descriptor, IpcAddress? known)
    {
        try
        {
            return DescriptorFacts.Of(descriptor, known);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    private static IpcObject? Ask(SafeDescriptor descriptor, DescriptorFacts facts, IpcAddress? known, IpcAccess access)
    {
        foreach (var mechanism in IpcMechanisms.All)
        {
            if (mechanism.Adopt(descriptor, facts, known, access) is { } adopted) return adopted;
        }
        return null;
    }
}
