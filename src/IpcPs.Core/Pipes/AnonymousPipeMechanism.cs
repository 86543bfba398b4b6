using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Transports;

namespace IpcPs.Pipes;

/// <summary>Opens ends of anonymous pipes by <c>pipe:PID/FD</c>, through /proc, and those that were inherited or received as descriptors.</summary>
internal sealed class AnonymousPipeMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Pipe];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => OpenPipe(address, options.Access);

    /// <summary>Opens one pipe, or two as the two directions of one end.</summary>
    public static PipeChannel OpenPipe(IpcAddress address, IpcAccess access)
    {
        var reads = access.HasFlag(IpcAccess.Read) || access == IpcAccess.Default;
        var writes = access.HasFlag(IpcAccess.Write);
        // Of a simple pipe both ends are reached through either descriptor; a duplex end's two descriptors are two pipes.
        var writeDescriptor = address.WriteDescriptor >= 0 ? address.WriteDescriptor : address.Descriptor;
        if (address.WriteDescriptor >= 0 && access == IpcAccess.Default) writes = true;
        return Reopen(address, address.ProcessId, reads ? address.Descriptor : -1, writes ? writeDescriptor : -1);
    }

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access)
    {
        if (info.FileType != Libc.S_IFIFO) return null;
        var wanted = access == IpcAccess.Default ? info.Access : access;
        PipeChannel pipe;
        try
        {
            // A description of our own: O_NONBLOCK on the one that was passed would be news to the process that has it too.
            pipe = Reopen(known, 0, wanted.HasFlag(IpcAccess.Read) ? descriptor.Number : -1, wanted.HasFlag(IpcAccess.Write) ? descriptor.Number : -1);
        }
        catch (IpcException e) when (e.Id == IpcErrors.AccessDenied && wanted == info.Access && wanted != IpcAccess.ReadWrite)
        {
            // Another user's pipe: what was passed is the only way to it.
            return Share(descriptor, known, wanted);
        }
        descriptor.Dispose();
        return pipe;
    }

    private static PipeChannel Share(SafeDescriptor descriptor, IpcAddress? known, IpcAccess access)
    {
        var flags = Libc.fcntl(descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl(descriptor, Libc.F_SETFL, flags | Libc.O_NONBLOCK) != 0) throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), known?.Text);
        var address = known ?? IpcAddress.OfDescriptor(IpcScheme.Pipe, Environment.ProcessId, descriptor.Number);
        return access == IpcAccess.Read ? new PipeChannel(address, descriptor, null) : new PipeChannel(address, null, descriptor);
    }

    private static PipeChannel Reopen(IpcAddress? known, int processId, int readDescriptor, int writeDescriptor)
    {
        var address = known ?? IpcAddress.OfDescriptor(IpcScheme.Fd, 0, Math.Max(readDescriptor, writeDescriptor));
        SafeDescriptor? reader = null, writer = null;
        try
        {
            if (readDescriptor >= 0) reader = PipeIO.Reopen(processId, readDescriptor, Libc.O_RDONLY, address);
            if (writeDescriptor >= 0) writer = PipeIO.Reopen(processId, writeDescriptor, Libc.O_WRONLY, address);
            return new PipeChannel(known ?? IpcAddress.OfDescriptor(IpcScheme.Pipe, Environment.ProcessId, (reader ?? writer)!.Number), reader, writer);
        }
        catch
        {
            reader?.Dispose();
            writer?.Dispose();
            throw;
        }
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => PipeInventory.Anonymous(scan);

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new PipeTransportFactory()];
}
