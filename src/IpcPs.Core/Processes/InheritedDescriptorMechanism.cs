using System.Runtime.InteropServices;
using IpcPs.Mechanisms;
using IpcPs.Pipes;

namespace IpcPs.Processes;

/// <summary>Opens a descriptor that this process inherited from its parent by <c>fd:N</c>, and two pipes as one duplex end by
/// <c>fd:N,M</c>.</summary>
internal sealed class InheritedDescriptorMechanism : IpcMechanism
{
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Fd];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.WriteDescriptor >= 0) return AnonymousPipeMechanism.OpenPipe(address, options.Access);
        // A copy that is closed on exec; the inherited descriptor stays as it is.
        using var inherited = new SafeDescriptor(address.Descriptor, ownsHandle: false);
        var fd = Libc.fcntl(inherited, Libc.F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
        {
            throw IpcException.FromErrno("fcntl(F_DUPFD_CLOEXEC)", Marshal.GetLastPInvokeError(), address.Text,
                "No such descriptor is open in this process.", IpcErrors.NotFound);
        }
        var opened = DescriptorOpener.TryOpen(new SafeDescriptor(fd), address, options.Access);
        return opened
            ?? throw new IpcException(IpcErrors.WrongKind, $"'{address}' is not a pipe, a socket or shared memory.", address.Text);
    }
}
