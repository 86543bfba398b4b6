using System.Runtime.InteropServices;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Transports;

namespace IpcPs.Pipes;

/// <summary>Opens ends of anonymous pipes: by <c>pipe:PID/FD</c>, through /proc, and descriptors that were inherited or received.</summary>
internal sealed class AnonymousPipeMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Pipe];

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new PipeTransportFactory("Pipe")];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => OpenPipe(address, options.Access);

    /// <summary>Opens one pipe, or two pipes as the two directions of one end.</summary>
    /// <param name="address">Where they are.</param>
    /// <param name="access">The wanted access.</param>
    /// <param name="hasOwnAddress">Whether the channel gets an address of its own.</param>
    public static PipeChannel OpenPipe(IpcAddress address, IpcAccess access, bool hasOwnAddress = false)
    {
        var reads = access.HasFlag(IpcAccess.Read) || access == IpcAccess.Default;
        var writes = access.HasFlag(IpcAccess.Write);
        // Either descriptor of a simple pipe leads to both its ends. The two descriptors of a duplex end are two pipes.
        var writeDescriptor = address.WriteDescriptor >= 0 ? address.WriteDescriptor : address.Descriptor;
        if (address.WriteDescriptor >= 0 && access == IpcAccess.Default) writes = true;
        return Reopen(hasOwnAddress ? null : address, address.ProcessId, reads ? address.Descriptor : -1, writes ? writeDescriptor : -1);
    }

    internal override IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access)
    {
        if (info.FileType != Libc.S_IFIFO) return null;
        var wanted = access == IpcAccess.Default ? info.Access : access;
        var readDescriptor = wanted.HasFlag(IpcAccess.Read) ? descriptor.Number : -1;
        var writeDescriptor = wanted.HasFlag(IpcAccess.Write) ? descriptor.Number : -1;
        PipeChannel pipe;
        try
        {
            // Opened again, because O_NONBLOCK would change the descriptor of the process that passed it too.
            pipe = Reopen(known, 0, readDescriptor, writeDescriptor);
        }
        catch (IpcException e) when (e.Id == IpcErrors.AccessDenied && wanted == info.Access && wanted != IpcAccess.ReadWrite)
        {
            // Another user's pipe, which only the passed descriptor reaches.
            return Share(descriptor, known, wanted);
        }
        descriptor.Dispose();
        return pipe;
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => PipeInventory.Anonymous(scan);

    private static PipeChannel Share(SafeDescriptor descriptor, IpcAddress? known, IpcAccess access)
    {
        var flags = Libc.fcntl(descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl(descriptor, Libc.F_SETFL, flags | Libc.O_NONBLOCK) != 0)
            throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), known?.Text);
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
            var isDuplex = reader is not null && writer is not null && readDescriptor != writeDescriptor;
            known ??= IpcAddress.OfDescriptor(IpcScheme.Pipe, Environment.ProcessId, (reader ?? writer)!.Number,
                isDuplex ? writer!.Number : -1);
            return new PipeChannel(known, reader, writer);
        }
        catch
        {
            reader?.Dispose();
            writer?.Dispose();
            throw;
        }
    }
}

/// <summary>Opens and removes named pipes by <c>fifo:NAME</c> and <c>fifo:/path</c>.</summary>
internal sealed class NamedPipeMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Fifo];

    public override IReadOnlyList<JobTransportFactory> Transports { get; } = [new PipeTransportFactory("Fifo")];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) =>
        NamedPipe.Open(address, options.Access == IpcAccess.Default ? IpcAccess.ReadWrite : options.Access, options.Persistent, wait);

    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var path = RuntimeFolder.PathOf(address);
        if (!FileStatus.Of(path, address.Text, "unlink").IsType(Libc.S_IFIFO))
            throw new IpcException(IpcErrors.WrongKind, $"'{path}' is not a named pipe, and was not removed.", address.Text);
        if (Libc.unlink(path) != 0) throw IpcException.FromErrno("unlink", Marshal.GetLastPInvokeError(), address.Text);
    }

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        Inotify.WaitUntilExists(RuntimeFolder.PathOf(address), address.Text, wait);
    }

    public override IEnumerable<IpcAddress> Known() =>
        RuntimeFolder.NamesIn(Libc.S_IFIFO, out _).Select(static name => IpcAddress.Parse("fifo:" + name));

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => PipeInventory.Named(scan);
}
