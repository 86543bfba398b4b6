using System.Collections.Concurrent;
using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Management.Automation;
using System.Reflection;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Finds what <see cref="FastPSObjectAccess{TMembers}"/> needs. All of it is there in PowerShell 7.4 to 7.6.</summary>
[SuppressMessage("Maintainability", "CA1508", Justification = "What reflection finds differs from engine to engine.")]
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

    /// <summary>An internal method, property getter or setter of PSObject as a delegate.</summary>
    /// <exception cref="ArgumentException">There is none, or not of that form.</exception>
    public static TDelegate Bind<TDelegate>(Type type, string name, params Type[] parameters)
        where TDelegate : Delegate =>
        type.GetMethod(name, Internal, parameters)?.CreateDelegate<TDelegate>() ?? throw new ArgumentException($"{type} has no {name}.");
}

/// <summary>Reaches behind PSObject's public interface.</summary>
/// <typeparam name="TMembers">The engine's own type of the collection of added members, which is not public.</typeparam>
internal sealed class FastPSObjectAccess<TMembers> : PSObjectAccess
    where TMembers : PSMemberInfoCollection<PSMemberInfo>
{
    /// <summary>Names that the engine knows from here; beyond that each takes the slow way.</summary>
    private const int MaxKnownNames = 10_000;

    private readonly Func<PSObject, Collection<string>> _typeNames = FastPSObjectAccess.Bind<Func<PSObject, Collection<string>>>(typeof(PSObject), "get_InternalTypeNames");
    private readonly Func<PSObject, TMembers> _members = FastPSObjectAccess.Bind<Func<PSObject, TMembers>>(typeof(PSObject), "get_InstanceMembers");
    private readonly Func<TMembers, int> _count = FastPSObjectAccess.Bind<Func<TMembers, int>>(typeof(TMembers), "get_Count");
    private readonly Func<TMembers, int, PSMemberInfo> _item = FastPSObjectAccess.Bind<Func<TMembers, int, PSMemberInfo>>(typeof(TMembers), "get_Item", typeof(int));
    private readonly HasMembers _hasMembers = FastPSObjectAccess.Bind<HasMembers>(typeof(PSObject), "HasInstanceMembers", typeof(object), typeof(TMembers).MakeByRefType());
    private readonly Func<PSObject, string?> _getText = FastPSObjectAccess.Bind<Func<PSObject, string?>>(typeof(PSObject), "get_ToStringFromDeserialization");
    private readonly Func<PSObject, ErrorRecord> _toErrorRecord = FastPSObjectAccess.Bind<Func<PSObject, ErrorRecord>>(typeof(ErrorRecord), "FromPSObjectForRemoting", typeof(PSObject));
    private readonly ConstructorInvoker _create = ConstructorInvoker.Create(typeof(PSObject).GetConstructor([typeof(int)]) ?? throw new ArgumentException("PSObject has no constructor with a capacity."));
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
            else if (IsSent(property)) bag.Add(property.Name, PropertyValue.Of(property));
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

    public override void SetTypeNames(PSObject value, IReadOnlyList<string> names)
    {
        var target = value.TypeNames;
        target.Clear();
        foreach (var name in names) target.Add(name);
    }

    public override void SetText(PSObject copy, string text)
    {
        var method = new ToStringMethod(text);
        if (_knownNames.ContainsKey(ToStringMethod.MethodName)) _members(copy).Add(method, preValidated: true);
        else if (Introduce(ToStringMethod.MethodName)) copy.Members.Add(method, preValidated: true);
    }

    public override string? GetText(PSObject copy) => (_members(copy)[ToStringMethod.MethodName] as ToStringMethod)?.Text ?? _getText(copy);

    public override ErrorRecord? ToErrorRecord(PSObject notes) => _toErrorRecord(notes);

    /// <summary>Lets the engine see a name for the first time: compiled member accesses that assumed that no object has a property of that name added to it
    /// are then compiled anew. The public way does that each time.</summary>
    private bool Introduce(string name)
    {
        if (name.Length == 0 || IsReserved(name)) return false;
        new PSObject().Properties.Add(new PSNoteProperty(name, null), preValidated: true);
        if (_knownNames.Count < MaxKnownNames) _knownNames.TryAdd(name, true);
        return true;
    }
}
