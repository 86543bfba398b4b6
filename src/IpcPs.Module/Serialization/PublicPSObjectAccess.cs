using System.Collections.ObjectModel;
using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Only what PowerShell's public interface offers.</summary>
internal sealed class PublicPSObjectAccess : PSObjectAccess
{
    private const PSMemberTypes Added = PSMemberTypes.NoteProperty | PSMemberTypes.ScriptProperty;

    public override Collection<string> TypeNames(PSObject value) => value.TypeNames;

    // Properties that a type file defines look the same from here, so only notes count: the others belong to the type.
    public override bool HasAddedMembers(PSObject value) => value.Properties.Match("*", PSMemberTypes.NoteProperty).Count > 0;

    public override void WriteAdded(PSObject value, ref PropertyBagWriter bag)
    {
        foreach (var property in value.Properties.Match("*", Added))
        {
            if (IsSent(property)) bag.Add(property.Name, PropertyValue.Of(property));
        }
    }

    public override PSObject CreateBag(int capacity) => new();

    public override bool AddNote(PSObject bag, string name, object? value)
    {
        if (name.Length == 0 || IsReserved(name) || bag.Properties[name] is not null) return false;
        bag.Properties.Add(new PSNoteProperty(name, value), preValidated: true);
        return true;
    }

    public override void SetTypeNames(PSObject value, IReadOnlyList<string> names)
    {
        var target = value.TypeNames;
        target.Clear();
        foreach (var name in names) target.Add(name);
    }

    public override void SetText(PSObject copy, string text) => copy.Members.Add(new ToStringMethod(text), preValidated: true);

    public override string? GetText(PSObject copy) => (copy.Members[ToStringMethod.MethodName] as ToStringMethod)?.Text;

    public override ErrorRecord? ToErrorRecord(PSObject notes) => null;
}
