using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Reflection;
using IpcPs.Serialization;
using static IpcPs.Module.Serialization.FastPSObjectAccess;

namespace IpcPs.Module.Serialization;

/// <summary>Finds the internal members that <see cref="FastPSObjectAccess{TMembers}"/> uses. PowerShell 7.4 to 7.6 have all of
/// them.</summary>
[SuppressMessage("Maintainability", "CA1508", Justification = "Reflection finds different members in different versions.")]
internal static class FastPSObjectAccess
{
    private const BindingFlags Internal = BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public;

    public static PSObjectAccess? TryCreate()
    {
        try
        {
            var members = typeof(PSObject).GetProperty("InstanceMembers", Internal)?.PropertyType;
            if (members is null || !typeof(PSMemberInfoCollection<PSMemberInfo>).IsAssignableFrom(members)) return null;
            return (PSObjectAccess?)Activator.CreateInstance(typeof(FastPSObjectAccess<>).MakeGenericType(members), nonPublic: true);
        }
        catch (Exception e) when (e is TargetInvocationException or MissingMethodException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Creates a delegate for an internal method or property getter.</summary>
    /// <exception cref="ArgumentException">The type has no such method, or it has another signature.</exception>
    public static TDelegate Bind<TDelegate>(Type type, string name, params Type[] parameters)
        where TDelegate : Delegate =>
        type.GetMethod(name, Internal, parameters)?.CreateDelegate<TDelegate>() ?? throw new ArgumentException($"{type} has no {name}().");
}

/// <summary>Uses internal members of PSObject.</summary>
/// <typeparam name="TMembers">The type of PSObject's collection of added members. It is internal to PowerShell.</typeparam>
internal sealed class FastPSObjectAccess<TMembers> : PSObjectAccess
    where TMembers : PSMemberInfoCollection<PSMemberInfo>
{
    /// <summary>How many introduced names are remembered. Any further name is introduced each time.</summary>
    private const int MaxKnownNames = 10_000;

    private readonly Func<PSObject, Collection<string>> _typeNames =
        Bind<Func<PSObject, Collection<string>>>(typeof(PSObject), "get_InternalTypeNames");
    private readonly Func<PSObject, TMembers> _members = Bind<Func<PSObject, TMembers>>(typeof(PSObject), "get_InstanceMembers");
    private readonly Func<TMembers, int> _count = Bind<Func<TMembers, int>>(typeof(TMembers), "get_Count");
    private readonly Func<TMembers, int, PSMemberInfo> _item =
        Bind<Func<TMembers, int, PSMemberInfo>>(typeof(TMembers), "get_Item", typeof(int));
    private readonly HasMembers _hasMembers =
        Bind<HasMembers>(typeof(PSObject), "HasInstanceMembers", typeof(object), typeof(TMembers).MakeByRefType());
    private readonly Func<PSObject, string?> _getText = Bind<Func<PSObject, string?>>(typeof(PSObject), "get_ToStringFromDeserialization");
    private readonly Func<PSObject, ErrorRecord> _toErrorRecord =
        Bind<Func<PSObject, ErrorRecord>>(typeof(ErrorRecord), "FromPSObjectForRemoting", typeof(PSObject));
    private readonly ConstructorInvoker _create = ConstructorInvoker.Create(
        typeof(PSObject).GetConstructor([typeof(int)]) ?? throw new ArgumentException("PSObject has no constructor with a capacity."));
    private readonly ConcurrentDictionary<string, bool> _knownNames = new(StringComparer.OrdinalIgnoreCase);

    private delegate bool HasMembers(object value, out TMembers? members);

    public override Collection<string> TypeNames(PSObject value) => _typeNames(value);

    public override bool HasAddedMembers(PSObject value) => _hasMembers(value, out _);

    public override void WriteAdded(PSObject value, ref PropertyBagWriter bag)
    {
        if (!_hasMembers(value, out var members)) return;
        var count = _count(members!);
        for (var i = 0; i < count; i++)
        {
            if (_item(members!, i) is not PSPropertyInfo property) continue;
            if (property is PSNoteProperty note) bag.Add(note.Name, note.Value);
            else if (IsSent(property)) bag.Add(property.Name, ValueOf(property));
        }
    }

    public override PSObject CreateBag(int capacity) => (PSObject)_create.Invoke(Math.Min(capacity, 64));

    public override bool AddNote(PSObject bag, string name, object? value)
    {
        var members = _members(bag);
        if (!_knownNames.ContainsKey(name) && !Introduce(name)) return false;
        if (members[name] is not null) return false;
        members.Add(new PSNoteProperty(name, value), preValidated: true);
        return true;
    }

    public override void SetText(PSObject copy, string text)
    {
        var method = new ToStringMethod(text);
        if (_knownNames.ContainsKey(ToStringMethod.MethodName)) _members(copy).Add(method, preValidated: true);
        else if (Introduce(ToStringMethod.MethodName)) copy.Members.Add(method, preValidated: true);
    }

    public override string? GetText(PSObject copy) => (_members(copy)[ToStringMethod.MethodName] as ToStringMethod)?.Text ?? _getText(copy);

    public override ErrorRecord? ToErrorRecord(PSObject notes) => _toErrorRecord(notes);

    /// <summary>Adds a name by PowerShell's public method once. Script that PowerShell compiled may assume that no object has an added
    /// property of that name, and the public method makes PowerShell compile it again.</summary>
    private bool Introduce(string name)
    {
        if (name.Length == 0 || IsReserved(name)) return false;
        new PSObject().Properties.Add(new PSNoteProperty(name, null), preValidated: true);
        if (_knownNames.Count < MaxKnownNames) _knownNames.TryAdd(name, true);
        return true;
    }
}
