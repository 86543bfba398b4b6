using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Objects;

/// <summary><c>Remove-IpcObject</c>: closes this session's end and deletes the object from the machine.</summary>
[Cmdlet(VerbsCommon.Remove, "IpcObject", SupportsShouldProcess = true)]
public sealed class RemoveIpcObjectCommand : IpcCmdlet
{
    /// <summary>The object or its address; wildcards allowed.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    [SupportsWildcards]
    public IpcTarget[] InputObject { get; set; } = null!;

    /// <summary>Reports no error if the object does not exist, and with wildcards removes other users' objects without a
    /// question.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var target in InputObject)
        {
            if (IsPattern(target, out var scheme)) Try(() => RemoveMatching(scheme, target.ToString()));
            else Try(() => Remove(target));
        }
    }

    private void Remove(IpcTarget target)
    {
        var address = target.Address;
        if (!ShouldProcess(address.Text, "Remove")) return;
        try
        {
            var mechanism = IpcMechanisms.For(address.Scheme);
            if (target.Object is { } open) mechanism.Remove(open);
            else mechanism.Remove(address);
        }
        catch (IpcException e) when (Force && e.Id == IpcErrors.NotFound)
        {
            WriteVerbose($"'{address}' does not exist.");
        }
        target.Object?.Dispose();
    }

    private void RemoveMatching(IpcScheme scheme, string pattern)
    {
        var found = Matching(scheme, pattern);
        if (found.Count == 0) WriteVerbose($"No object matches '{pattern}'.");
        foreach (var info in found)
        {
            if (ShouldProcess(info.Address.Text, "Remove") && MayRemove(info, Force))
                Try(() => IpcMechanisms.For(scheme).Remove(info.Address));
        }
    }

    /// <summary>Whether the text stands for several objects. The scheme must be written: '*' alone would be every object of the
    /// user.</summary>
    private static bool IsPattern(IpcTarget target, out IpcScheme scheme)
    {
        var text = target.ToString();
        scheme = default;
        return target.IsText && text.AsSpan().IndexOfAny('*', '[') > text.IndexOf(':', StringComparison.Ordinal)
            && text.IndexOf(':', StringComparison.Ordinal) is > 0 and var colon
            && Enum.TryParse(text[..colon], ignoreCase: true, out scheme)
            // A name may have these characters: an object that exists is that object.
            && !(IpcAddress.TryParse(text, out var address) && Matching(scheme, WildcardPattern.Escape(address!.Text)).Count > 0);
    }

    private static List<IpcObjectInfo> Matching(IpcScheme scheme, string pattern)
    {
        var wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
        var filter = new InventoryFilter { Schemes = [scheme], Names = wildcard.IsMatch, Patterns = [pattern] };
        return [.. IpcInventory.List(filter, out _).Where(info => wildcard.IsMatch(info.Address.Text))];
    }
}
