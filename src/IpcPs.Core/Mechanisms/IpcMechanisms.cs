using System.Collections.Frozen;
using IpcPs.Brokers;
using IpcPs.Locks;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;
using IpcPs.Transports;

namespace IpcPs.Mechanisms;

/// <summary>The mechanisms of the library. A new mechanism needs a line here and a folder, nothing else.</summary>
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
        new ExtensionMechanism("IpcPs.Nats", IpcScheme.Nats, IpcScheme.Tls),
    ];

    private static readonly FrozenDictionary<IpcScheme, IpcMechanism> ByScheme =
        All.SelectMany(static m => m.Schemes.Select(s => (Scheme: s, Mechanism: m)))
            .ToFrozenDictionary(static p => p.Scheme, static p => p.Mechanism);

    /// <summary>The mechanism of a scheme.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this version has no mechanism for it.</exception>
    public static IpcMechanism For(IpcScheme scheme) =>
        ByScheme.TryGetValue(scheme, out var mechanism) ? mechanism
        : throw new IpcException(IpcErrors.PlatformNotSupported,
                $"This version of IpcPs can't open '{AddressParser.Word(scheme)}:' addresses.");

    /// <summary>The mechanism of a broker's scheme.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: this installation does not have it;
    /// <see cref="IpcErrors.InvalidArgument"/>: objects of that scheme are not kept by a broker.</exception>
    public static BrokerMechanism Broker(IpcScheme scheme) => For(scheme) is ExtensionMechanism extension ? extension.Loaded
        : throw IpcException.Argument($"The objects of '{AddressParser.Word(scheme)}:' addresses are not kept by a broker.");

    /// <summary>The transports between child processes, of all mechanisms.</summary>
    public static IEnumerable<JobTransportFactory> Transports => All.SelectMany(static m => m.Transports);

    /// <summary>A transport by its name, in upper or lower case, or by the address of a channel that exists.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: no transport has that name;
    /// <see cref="IpcErrors.InvalidAddress"/>.</exception>
    public static JobTransportFactory Transport(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Contains(':', StringComparison.Ordinal) ? new ChannelTransportFactory(IpcAddress.Parse(name))
            : Transports.FirstOrDefault(k => string.Equals(k.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw IpcException.Argument($"'{name}' is not a transport. The transports are "
                + $"{string.Join(", ", Transports.Select(static k => k.Name))}, and the address of a channel that exists (mq:/jobs).");
    }

    /// <summary>Opens the object at an address, of any mechanism.</summary>
    public static IpcObject Open(IpcAddress address, in OpenOptions options = default, in WaitOptions wait = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        return For(address.Scheme).Open(address, options, wait);
    }
}
