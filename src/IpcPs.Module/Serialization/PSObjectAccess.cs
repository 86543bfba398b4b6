using System.Collections.ObjectModel;
using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Creates and reads PSObjects.</summary>
/// <remarks>To create or read a custom object takes 4 to 6 us through <see cref="PSObject.Properties"/>, and less than one through the
/// internal collection behind it. <see cref="FastPSObjectAccess"/> looks up the internal members once. If an engine lacks one of them, the
/// public ones are used, so that no version of PowerShell breaks.</remarks>
internal abstract class PSObjectAccess
{
    /// <summary>The fastest access that this engine allows.</summary>
    public static PSObjectAccess Instance { get; } = FastPSObjectAccess.TryCreate() ?? new PublicPSObjectAccess();

    /// <summary>The type names, which the caller does not change. (The public property copies them and keeps the copy in a
    /// table.)</summary>
    public abstract Collection<string> TypeNames(PSObject value);

    /// <summary>Whether members were added to this object, not to its type.</summary>
    public abstract bool HasAddedMembers(PSObject value);

    /// <summary>Writes the properties that were added to this object.</summary>
    public abstract void WriteAdded(PSObject value, ref PropertyBagWriter bag);

    /// <summary>Creates an empty custom object.</summary>
    public abstract PSObject CreateBag(int capacity);

    /// <summary>Adds a note property to an object that <see cref="CreateBag"/> created.</summary>
    /// <returns>False if the name is taken or cannot be used.</returns>
    public abstract bool AddNote(PSObject bag, string name, object? value);

    /// <summary>Replaces the type names of a custom object.</summary>
    public static void SetTypeNames(PSObject value, IReadOnlyList<string> names)
    {
        var target = value.TypeNames;
        target.Clear();
        foreach (var name in names) target.Add(name);
    }

    /// <summary>Sets what ToString of a copy returns.</summary>
    public abstract void SetText(PSObject copy, string text);

    /// <summary>The text of a copy, which <see cref="SetText"/> or PowerShell's own deserializer set; null if it has none.</summary>
    public abstract string? GetText(PSObject copy);

    /// <summary>Creates an error record from the note properties that PowerShell's remoting uses; null if this engine cannot.</summary>
    public abstract ErrorRecord? ToErrorRecord(PSObject notes);

    /// <summary>The value of a property; null if its getter fails. The other properties are sent all the same.</summary>
    public static object? ValueOf(PSPropertyInfo property)
    {
        try
        {
            return property.Value;
        }
        catch (Exception e) when (e is not (OutOfMemoryException or PipelineStoppedException or OperationCanceledException))
        {
            return null;
        }
    }

    /// <summary>Whether a property is sent.</summary>
    protected static bool IsSent(PSPropertyInfo property) => property.IsGettable && !IsReserved(property.Name);

    /// <summary>Whether PowerShell uses the name itself, for a view of the object.</summary>
    protected static bool IsReserved(string name) =>
        name.Length >= 6 && (name[0] | 0x20) == 'p' && (name[1] | 0x20) == 's' &&
        name.ToUpperInvariant() is "PSBASE" or "PSADAPTED" or "PSEXTENDED" or "PSOBJECT" or "PSTYPENAMES";
}

/// <summary>Uses only public members of PowerShell.</summary>
internal sealed class PublicPSObjectAccess : PSObjectAccess
{
    private const PSMemberTypes Added = PSMemberTypes.NoteProperty | PSMemberTypes.ScriptProperty;

    public override Collection<string> TypeNames(PSObject value) => value.TypeNames;

    // Script properties of a type file look like added ones here. So only note properties count.
    public override bool HasAddedMembers(PSObject value) => value.Properties.Match("*", PSMemberTypes.NoteProperty).Count > 0;

    public override void WriteAdded(PSObject value, ref PropertyBagWriter bag)
    {
        foreach (var property in value.Properties.Match("*", Added))
        {
            if (IsSent(property)) bag.Add(property.Name, ValueOf(property));
        }
    }

    public override PSObject CreateBag(int capacity) => new();

    public override bool AddNote(PSObject bag, string name, object? value)
    {
        if (name.Length == 0 || IsReserved(name) || bag.Properties[name] is not null) return false;
        bag.Properties.Add(new PSNoteProperty(name, value), preValidated: true);
        return true;
    }

    public override void SetText(PSObject copy, string text) => copy.Members.Add(new ToStringMethod(text), preValidated: true);

    public override string? GetText(PSObject copy) => (copy.Members[ToStringMethod.MethodName] as ToStringMethod)?.Text;

    public override ErrorRecord? ToErrorRecord(PSObject notes) => null;
}

/// <summary>The ToString method of a copy. It returns the text of the original.</summary>
/// <remarks>For "$copy" too, PowerShell calls such a method if the object has one, and otherwise makes a text of the properties.
/// PowerShell's own deserializer adds one as well.</remarks>
internal sealed class ToStringMethod : PSMethodInfo
{
    public const string MethodName = "ToString";

    public ToStringMethod(string text)
    {
        Text = text;
        SetMemberName(MethodName);
    }

    public string Text { get; }

    public override Collection<string> OverloadDefinitions => ["string ToString()"];

    public override PSMemberTypes MemberType => PSMemberTypes.CodeMethod;

    public override string TypeNameOfValue => typeof(ToStringMethod).FullName!;

    public override object Invoke(params object[] arguments) => Text;

    public override PSMemberInfo Copy() => new ToStringMethod(Text);

    public override string ToString() => OverloadDefinitions[0];
}
