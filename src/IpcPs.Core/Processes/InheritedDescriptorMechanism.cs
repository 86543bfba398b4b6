using System.Runtime.InteropServices;
using IpcPs.Mechanisms;
using IpcPs.Pipes;

namespace IpcPs.Processes;

/// <summary>Opens a descriptor that this process inherited from its parent by <c>fd:N</c>, and two pipes as one duplex end by
/// <c>fd:N,M</c>.</summary>
/// <remarks>The object has a descriptor of its own. The inherited one is closed when the object is open: else the peer would not see the
/// end of the object. Until the object is closed, its number is kept from other files. Opened for one call the inherited descriptor stays
/// open, but from then on children of this process do not inherit it. The standard streams stay as they are.
/// Calls: fcntl(2), dup3(2), close(2).</remarks>
internal sealed class InheritedDescriptorMechanism : IpcMechanism
{
    private const int LastStandardStream = 2;

    // Inherited descriptors that are closed on exec by now. Others that are closed on exec are this process's own objects.
    private static readonly HashSet<int> Kept = [];
    private static readonly HashSet<int> Taken = [];

    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Fd];

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        lock (Kept)
        {
            var numbers = Used(address, options.Access).ToArray();
            if (numbers.Any(Taken.Contains))
            {
                throw new IpcException(IpcErrors.InvalidOperation, $"'{address}' is open already: an object of this process owns it.",
                    address.Text, "Use that object, or its address.");
            }
            var inherited = Array.FindAll(numbers, IsInherited);
            var isTaken = !options.ForOneCall && inherited.Length > 0;
            var opened = address.WriteDescriptor >= 0 ? AnonymousPipeMechanism.OpenPipe(address, options.Access, isTaken)
                : OpenCopy(address, options.Access, isTaken);
            foreach (var number in inherited)
            {
                if (isTaken)
                {
                    TakeOver(number, opened);
                }
                else
                {
                    _ = Libc.fcntl(number, Libc.F_SETFD, Libc.FD_CLOEXEC);
                    Kept.Add(number);
                }
            }
            return opened;
        }
    }

    private static IpcObject OpenCopy(IpcAddress address, IpcAccess access, bool hasOwnAddress)
    {
        var fd = Libc.fcntl(address.Descriptor, Libc.F_DUPFD_CLOEXEC, LastStandardStream + 1);
        if (fd < 0)
        {
            throw IpcException.FromErrno("fcntl(F_DUPFD_CLOEXEC)", Marshal.GetLastPInvokeError(), address.Text,
                "No such descriptor is open in this process.", IpcErrors.NotFound);
        }
        return DescriptorOpener.TryOpen(new SafeDescriptor(fd), hasOwnAddress ? null : address, access)
            ?? throw new IpcException(IpcErrors.WrongKind, $"'{address}' is not a pipe, a socket or shared memory.", address.Text);
    }

    private static void TakeOver(int number, IpcObject opened)
    {
        var placeholder = new SafeDescriptor(number);
        using (var nothing = new SafeDescriptor(Libc.open("/", Libc.O_PATH | Libc.O_CLOEXEC, 0)))
        {
            if (nothing.IsInvalid || Libc.dup3(nothing, placeholder, Libc.O_CLOEXEC) < 0)
            {
                placeholder.Dispose();
                return;
            }
        }
        Kept.Remove(number);
        Taken.Add(number);
        opened.Closing.Register(() =>
        {
            lock (Kept) Taken.Remove(number);
            placeholder.Dispose();
        });
    }

    // Of a duplex end the descriptor of the other direction may be opened later.
    private static IEnumerable<int> Used(IpcAddress address, IpcAccess access)
    {
        if (address.WriteDescriptor < 0 || access != IpcAccess.Write) yield return address.Descriptor;
        if (address.WriteDescriptor >= 0 && access != IpcAccess.Read) yield return address.WriteDescriptor;
    }

    private static bool IsInherited(int number) =>
        number > LastStandardStream && (Libc.fcntl(number, Libc.F_GETFD, 0) == 0 || Kept.Contains(number));
}
