using System.Collections.Frozen;
using IpcPs.Locks;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;
using IpcPs.Transports;

namespace IpcPs.Mechanisms;

/// <summary>The mechanisms that the library has. A new one adds its line here and its folder; nothing else needs to know of it.</summary>
public static class IpcMechanisms
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IpcMechanism> All { get; } =
    [
        new InheritedDescriptorMechanism(),
        new AnonymousPipeMechanism(),
        new NamedPipeMechanism(),
        new SocketMechanism(),
        new SharedMemoryMechanism(),
        new SysVSharedMemoryMechanism(),
        new PosixQueueMechanism(),
        new SysVQueueMechanism(),
        new PosixSemaphoreMechanism(),
        new SysVSemaphoreMechanism(),
        new MutexMechanism(),
        new RingMechanism(),
    ];

    private static readonly FrozenDictionary<IpcScheme, IpcMechanism> ByScheme =
        All.SelectMany(static m => m.Schemes.Select(s => (Scheme: s, Mechanism: m))).ToFrozenDictionary(static p => p.Scheme, static p => p.Mechanism);

    /// <summary>The mechanism of a scheme.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this version has none for it.</exception>
    public static IpcMechanism For(IpcScheme scheme) =>
        ByScheme.TryGetValue(scheme, out var mechanism) ? mechanism
        : throw new IpcException(IpcErrors.PlatformNotSupported, $"This version of IpcPs does not open '{AddressParser.Word(scheme)}:' addresses.");

    /// <summary>The job transports of all mechanisms.</summary>
    public static IEnumerable<JobTransportFactory> Transports => All.SelectMany(static m => m.Transports);

    /// <summary>The job transport of a name, in any case.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: no transport has that name.</exception>
    public static JobTransportFactory Transport(string name) =>
        Transports.FirstOrDefault(k => string.Equals(k.Name, name, StringComparison.OrdinalIgnoreCase))
        ?? throw IpcException.Argument($"'{name}' does not carry messages from process to process; {string.Join(", ", Transports.Select(static k => k.Name))} do.");

    /// <summary>Opens what exists at an address, whatever it is.</summary>
    public static IpcObject Open(IpcAddress address, in OpenOptions options = default, Deadline deadline = default, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return For(address.Scheme).Open(address, options, deadline, cancellation);
    }
}
