using System.Collections.ObjectModel;
using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>The parts of PSObject that its public interface reaches slowly or not at all: making and reading a custom object takes 4 to 6 us through
/// <see cref="PSObject.Properties"/>, and less than one through the collection behind it. What is not public is looked up once; an engine that lacks any of it
/// gets the public way, so that no version of PowerShell breaks.</summary>
internal abstract class PSObjectAccess
{
    /// <summary>The fastest access that this engine has.</summary>
    public static PSObjectAccess Instance { get; } = FastPSObjectAccess.TryCreate() ?? new PublicPSObjectAccess();

    /// <summary>The type names, not to be changed. (The public property copies them, and remembers the copy in a table.)</summary>
    public abstract Collection<string> TypeNames(PSObject value);

    /// <summary>Whether members were added to this very object.</summary>
    public abstract bool HasAddedMembers(PSObject value);

    /// <summary>Writes the properties that were added to this very object.</summary>
    public abstract void WriteAdded(PSObject value, ref PropertyBagWriter bag);

    /// <summary>An empty custom object.</summary>
    public abstract PSObject CreateBag(int capacity);

    /// <summary>Adds a note property to what <see cref="CreateBag"/> made.</summary>
    /// <returns>False where there is one of that name.</returns>
    public abstract bool AddNote(PSObject bag, string name, object? value);

    /// <summary>Gives a custom object other type names.</summary>
    public abstract void SetTypeNames(PSObject value, IReadOnlyList<string> names);

    /// <summary>Makes a text what ToString gives of a copy.</summary>
    public abstract void SetText(PSObject copy, string text);

    /// <summary>The text that the copy of an object was given, here or by PowerShell's own deserializer; null where it has none.</summary>
    public abstract string? GetText(PSObject copy);

    /// <summary>An error record from the note properties that PowerShell's remoting gives one; null where this engine has no such way.</summary>
    public abstract ErrorRecord? ToErrorRecord(PSObject notes);

    /// <summary>Whether a property is one to send: not one of the names by which PowerShell reaches an object's views.</summary>
    protected static bool IsSent(PSPropertyInfo property) => property.IsGettable && !IsReserved(property.Name);

    /// <summary>psobject, psbase and their kin.</summary>
    protected static bool IsReserved(string name) =>
        name.Length >= 6 && (name[0] | 0x20) == 'p' && (name[1] | 0x20) == 's' &&
        name.ToUpperInvariant() is "PSBASE" or "PSADAPTED" or "PSEXTENDED" or "PSOBJECT" or "PSTYPENAMES";
}
