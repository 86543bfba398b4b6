using System.Collections;
using System.Collections.Concurrent;
using System.Management.Automation;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>How PowerShell's objects travel: custom objects as bags that keep order and type names, live objects as copies named
/// <c>Deserialized.*</c>, what PowerShell itself makes of things (errors, script blocks) in a readable form.</summary>
internal sealed class PSObjectModel : IObjectModel
{
    public const string Prefix = "Deserialized.";
    private const string CustomObject = "System.Management.Automation.PSCustomObject";
    private static readonly string[] CustomObjectNames = [CustomObject, "System.Object"];
    private static readonly PSObjectAccess Engine = PSObjectAccess.Instance;

    private PSObjectModel()
    {
    }

    public static PSObjectModel Instance { get; } = new();

    public void Write(ObjectEncoder encoder, object value)
    {
        if (value is PSObject wrapped) WriteWrapped(encoder, wrapped);
        else ObjectCopier.Write(encoder, value, PSObject.AsPSObject(value));
    }

    public object CreateBag(int capacity) => Engine.CreateBag(capacity);

    public bool AddProperty(object bag, string name, object? value) => Engine.AddNote((PSObject)bag, name, value);

    public object CompleteBag(object bag, IReadOnlyList<string> typeNames, string? text, bool isCopy)
    {
        var whole = (PSObject)bag;
        Engine.SetTypeNames(whole, TypeNameCache.Complete(typeNames, isCopy));
        if (text is not null) Engine.SetText(whole, text);
        return whole;
    }

    public object Decorate(object value, IReadOnlyList<string> typeNames, object bag)
    {
        // A box of its own where the codec hands out shared ones: what is added to a value is found by the box.
        var whole = new PSObject(value is int number ? number : value is bool flag ? flag : value);
        for (var i = 0; i < typeNames.Count; i++) whole.TypeNames.Insert(i, typeNames[i]);
        foreach (var property in ((PSObject)bag).Properties) whole.Properties.Add(new PSNoteProperty(property.Name, property.Value), preValidated: true);
        return whole;
    }

    private static void WriteWrapped(ObjectEncoder encoder, PSObject wrapped)
    {
        var value = wrapped.BaseObject;
        if (value is PSCustomObject) WriteCustom(encoder, wrapped);
        else if (!IsPlain(value)) ObjectCopier.Write(encoder, value, wrapped);
        else if (!Engine.HasAddedMembers(wrapped) || !ExtendedMembers.TryWrite(encoder, value, wrapped)) encoder.Write(value);
    }

    private static void WriteCustom(ObjectEncoder encoder, PSObject wrapped)
    {
        PropertyBagWriter bag;
        var names = Engine.TypeNames(wrapped);
        if (names.Count == 0 || names[0] == CustomObject)
        {
            if (!encoder.BeginBag(wrapped, out bag)) return;
            Engine.WriteAdded(wrapped, ref bag);
            bag.End();
            return;
        }
        var isCopy = names[0].StartsWith(Prefix, StringComparison.Ordinal);
        if (isCopy ? !encoder.BeginObject(wrapped, TypeNameCache.Live(names), Engine.GetText(wrapped), out bag)
            : !encoder.BeginNamedBag(wrapped, names.TakeWhile(static name => name != CustomObject).ToArray(), out bag)) return;
        // Through the public collection: it has what type files say about that name, and what CliXml keeps elsewhere.
        foreach (var property in wrapped.Properties)
        {
            if (property.IsGettable) bag.Add(property.Name, PropertyValue.Of(property));
        }
        bag.End();
    }

    /// <summary>Whether the codec knows it without its properties.</summary>
    private static bool IsPlain(object value) =>
        value is string or IDictionary or Array or ArrayList || value.GetType() is { IsPrimitive: true } || value is decimal or DateTime or TimeSpan or Guid or DateTimeOffset or Enum ||
        (value is IList && value.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(List<>)) ||
        value is Uri or Version or System.Numerics.BigInteger or IpcEnum or IpcOmitted;

    /// <summary>Type names as they go and as they come.</summary>
    private static class TypeNameCache
    {
        private const int MaxNames = 10_000;
        private static readonly ConcurrentDictionary<string, string> Prefixed = new();

        /// <summary>What the receiver's object is called: of a copy each name with the prefix, of a custom object its own before the usual ones.</summary>
        public static string[] Complete(IReadOnlyList<string> names, bool isCopy)
        {
            if (!isCopy) return [.. names, .. CustomObjectNames];
            var all = new string[names.Count];
            for (var i = 0; i < all.Length; i++)
            {
                if (!Prefixed.TryGetValue(names[i], out var known))
                {
                    known = Prefix + names[i];
                    if (Prefixed.Count < MaxNames) Prefixed.TryAdd(names[i], known);
                }
                all[i] = known;
            }
            return all;
        }

        /// <summary>The names that a copy's original had.</summary>
        public static string[] Live(IEnumerable<string> names) =>
            names.Select(static name => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name).ToArray();
    }
}
