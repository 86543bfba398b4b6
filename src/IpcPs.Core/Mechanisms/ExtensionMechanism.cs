using System.Reflection;
using IpcPs.Brokers;
using IpcPs.Inventory;

namespace IpcPs.Mechanisms;

/// <summary>A mechanism in an assembly of its own, which is loaded when the first of its addresses is used. Until then it costs
/// nothing.</summary>
/// <param name="assembly">The assembly's name. It has a type of the same name with <c>.Mechanism</c> after it.</param>
/// <param name="opened">The schemes whose addresses it opens.</param>
internal sealed class ExtensionMechanism(string assembly, params IpcScheme[] opened) : IpcMechanism
{
    private readonly Lazy<BrokerMechanism> _loaded = new(() => Load(assembly));

    public override IReadOnlyList<IpcScheme> Schemes => opened;

    /// <summary>What the assembly has.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.PlatformNotSupported"/>: the assembly is not there.</exception>
    public BrokerMechanism Loaded => _loaded.Value;

    internal override bool IsOfThisMachine => false;

    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait) => Loaded.Open(address, options, wait);

    public override void Remove(IpcAddress address) => Loaded.Remove(address);

    public override void Remove(IpcObject open) => Loaded.Remove(open);

    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait) => Loaded.WaitUntilExists(address, wait);

    public override IEnumerable<IpcAddress> Known(IReadOnlyCollection<IpcScheme> schemes, string prefix)
    {
        var colon = prefix.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) return [];
        var scheme = prefix[..colon];
        var isMine = opened.Any(s => schemes.Contains(s)
            && string.Equals(scheme, AddressParser.Word(s), StringComparison.OrdinalIgnoreCase));
        return isMine ? Loaded.Known(schemes, prefix) : [];
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan) => Loaded.Enumerate(scan);

    private static BrokerMechanism Load(string assembly)
    {
        try
        {
            // In the context of this assembly: it knows where the packages of the other one are.
            return (BrokerMechanism)Assembly.Load(assembly).CreateInstance(assembly + ".Mechanism")!;
        }
        catch (FileNotFoundException e)
        {
            throw new IpcException(IpcErrors.PlatformNotSupported, $"The assembly {assembly} is missing beside this library.", inner: e);
        }
    }
}
