using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Transports;

namespace IpcPs.Mechanisms;

/// <summary>What the rest of the library knows of a mechanism: how to open and remove an object by its address. Each mechanism's folder has one
/// of these; <see cref="IpcMechanisms"/> lists them.</summary>
public abstract class IpcMechanism
{
    /// <summary>The schemes whose addresses it opens.</summary>
    public abstract IReadOnlyList<IpcScheme> Schemes { get; }

    /// <summary>Opens what exists at an address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.WrongKind"/>, <see cref="IpcErrors.Timeout"/>.</exception>
    public abstract IpcObject Open(IpcAddress address, in OpenOptions options, Deadline deadline, CancellationToken cancellation);

    /// <summary>Takes the object off the machine; processes that have it open keep what the mechanism lets them keep.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.NotSupported"/>: it is not a thing that outlives its processes.</exception>
    public virtual void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        throw new IpcException(IpcErrors.NotSupported, $"'{address}' is gone when the last process closes it; there is nothing to remove.", address.Text, "Use Close-IpcObject.");
    }

    /// <summary>Waits until an object exists at the address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>, <see cref="IpcErrors.NotSupported"/>.</exception>
    public virtual void WaitUntilExists(IpcAddress address, Deadline deadline, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(address);
        throw new IpcException(IpcErrors.NotSupported, $"Nobody can know beforehand where '{address}' will be; there is nothing to wait for.", address.Text);
    }

    /// <summary>Makes an object of a descriptor that this process inherited or received, if it is one of this mechanism.</summary>
    /// <param name="descriptor">The descriptor; the object owns it. Where there is none it stays the caller's, also when this throws.</param>
    /// <param name="facts">What is known of it.</param>
    /// <param name="known">The address that it was found by (<c>fd:N</c>); null to make one.</param>
    /// <param name="access">What it is wanted for; Default for what it was opened for.</param>
    /// <returns>Null where it is of another mechanism.</returns>
    internal virtual IpcObject? Adopt(SafeDescriptor descriptor, in DescriptorFacts facts, IpcAddress? known, IpcAccess access) => null;

    /// <summary>The transports between child processes that it offers (<c>Start-IpcJob -Via</c>).</summary>
    public virtual IReadOnlyList<JobTransportFactory> Transports => [];

    /// <summary>Addresses of objects that exist now and that this user can open, for tab completion. Cheap; never throws.</summary>
    public virtual IEnumerable<IpcAddress> Known() => [];

    /// <summary>The objects of this mechanism that exist now. Never throws for what it can't see: that goes to <see cref="InventoryScan.Missed"/>.</summary>
    internal virtual IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => [];
}
