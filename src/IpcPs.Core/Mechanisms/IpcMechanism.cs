using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Transports;

namespace IpcPs.Mechanisms;

/// <summary>Opens, removes and lists the objects of one mechanism by their addresses. <see cref="IpcMechanisms"/> lists all
/// mechanisms.</summary>
public abstract class IpcMechanism
{
    /// <summary>The schemes whose addresses it opens.</summary>
    public abstract IReadOnlyList<IpcScheme> Schemes { get; }

    /// <summary>Opens what exists at an address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.Timeout"/>.</exception>
    public abstract IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait);

    /// <summary>Removes the object. Whether a process that has it open can still use it depends on the mechanism.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.NotSupported"/>: it ends with the processes that have it open.</exception>
    public virtual void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        throw new IpcException(IpcErrors.NotSupported,
                $"'{address}' can't be removed: it ends when the last process closes it.", address.Text)
        { Advice = IpcAdvice.Close };
    }

    /// <summary>Removes an object that this process has open. A broker removes it as the user that it was opened as.</summary>
    /// <inheritdoc cref="Remove(IpcAddress)"/>
    public virtual void Remove(IpcObject open)
    {
        ArgumentNullException.ThrowIfNull(open);
        Remove(open.Address);
    }

    /// <summary>Waits until an object exists at the address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.NotSupported"/>.</exception>
    public virtual void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        throw new IpcException(IpcErrors.NotSupported,
                $"'{address}' can't be waited for: its address is known only once it exists.", address.Text);
    }

    /// <summary>Creates an object from a descriptor that this process inherited or received, if it is of this mechanism.</summary>
    /// <param name="descriptor">The descriptor. The object owns it; where none is returned, or this throws, the caller keeps it.</param>
    /// <param name="info">What the kernel knows about it.</param>
    /// <param name="known">The address that it was found by (<c>fd:N</c>); null to create one.</param>
    /// <param name="access">The wanted access; Default for what it was opened for.</param>
    /// <returns>Null where the descriptor is of another mechanism.</returns>
    internal virtual IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorInfo info, IpcAddress? known, IpcAccess access) => null;

    /// <summary>The ways in which it carries messages between child processes.</summary>
    public virtual IReadOnlyList<JobTransportFactory> Transports => [];

    /// <summary>Addresses of objects that exist now and that this user can open, for tab completion. It is quick and never
    /// throws.</summary>
    public virtual IEnumerable<IpcAddress> Known() => [];

    /// <summary>Those of them that have one of some schemes.</summary>
    /// <param name="schemes">The schemes.</param>
    /// <param name="prefix">What the user has typed, where listing all would cost something: a mechanism may return only what begins with
    /// it.</param>
    public virtual IEnumerable<IpcAddress> Known(IReadOnlyCollection<IpcScheme> schemes, string prefix) =>
        Schemes.Any(schemes.Contains) ? Known().Where(a => schemes.Contains(a.Scheme)) : [];

    /// <summary>Whether its objects are of this machine. Others are listed only where the caller names the mechanism.</summary>
    internal virtual bool IsOfThisMachine => true;

    /// <summary>The objects of this mechanism that exist now. What it can't see goes to <see cref="InventoryScan.AddProblem"/>.</summary>
    internal virtual IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => [];
}

/// <summary>How an object is opened.</summary>
public readonly record struct OpenOptions
{
    /// <summary>What for.</summary>
    public IpcAccess Access { get; init; }

    /// <summary>Whether this end stays usable when its peers are gone, where the mechanism can do that (named pipes).</summary>
    public bool Persistent { get; init; }

    /// <summary>Whether the object is opened for one call only: a descriptor of the parent (<c>fd:N</c>) stays open for the next
    /// one.</summary>
    public bool ForOneCall { get; init; }

    /// <summary>Whether to wait for a server to listen, where only opening can tell whether one does (sockets).</summary>
    public bool Wait { get; init; }

    /// <summary>Brokers: how the broker knows this user; null for what the environment says.</summary>
    public Brokers.BrokerLogin? Login { get; init; }
}
