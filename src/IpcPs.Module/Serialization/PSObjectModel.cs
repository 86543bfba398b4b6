using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Net.Mail;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>How PowerShell's objects are sent. A custom object keeps the order of its properties and its type names. A live object becomes
/// a copy with type names that begin with <c>Deserialized.</c></summary>
internal sealed class PSObjectModel : IObjectModel
{
    public const string Prefix = "Deserialized.";
    private const string CustomObject = "System.Management.Automation.PSCustomObject";
    private static readonly string[] CustomObjectNames = [CustomObject, "System.Object"];
    private static readonly PSObjectAccess Access = PSObjectAccess.Instance;

    /// <summary>Properties that Get-Content and PowerShell's providers add to every line and path. Two of the six are whole objects, and
    /// the user of <c>Get-Content | Send-IpcMessage</c> does not mean to send them.</summary>
    private static readonly HashSet<string> AddedByProviders = new(StringComparer.OrdinalIgnoreCase)
    {
        "PSPath", "PSParentPath", "PSChildName", "PSDrive", "PSProvider", "ReadCount",
    };

    private PSObjectModel()
    {
    }

    public static PSObjectModel Instance { get; } = new();

    public void Write(ObjectEncoder encoder, object value)
    {
        if (value is PSObject wrapped) WriteWrapped(encoder, wrapped);
        else ObjectCopier.Write(encoder, value, PSObject.AsPSObject(value));
    }

    public object CreateBag(int capacity) => Access.CreateBag(capacity);

    public bool AddProperty(object bag, string name, object? value) => Access.AddNote((PSObject)bag, name, value);

    public object CompleteBag(object bag, IReadOnlyList<string> typeNames, string? text, bool isCopy)
    {
        var result = (PSObject)bag;
        PSObjectAccess.SetTypeNames(result, TypeNameCache.Complete(typeNames, isCopy));
        if (text is not null) Access.SetText(result, text);
        return result;
    }

    public object CreateSwitch(bool isPresent) => new SwitchParameter(isPresent);

    public object CreateCredential(string? userName, SecureString? password) =>
        string.IsNullOrEmpty(userName) || password is null ? PSCredential.Empty : new PSCredential(userName, password);

    public object? Restore(int code, object? value) => EngineTypes.Restore(code, value);

    public object AddMembers(object value, IReadOnlyList<string> typeNames, object bag)
    {
        // There is only one DBNull.
        if (value is DBNull) return value;
        // PowerShell finds added members by the boxed value. The decoder shares boxes of int and bool, so they are boxed again.
        var result = new PSObject(value is int number ? number : value is bool flag ? flag : value);
        for (var i = 0; i < typeNames.Count; i++) result.TypeNames.Insert(i, typeNames[i]);
        foreach (var property in ((PSObject)bag).Properties)
        {
            result.Properties.Add(new PSNoteProperty(property.Name, property.Value), preValidated: true);
        }
        return result;
    }

    private static void WriteWrapped(ObjectEncoder encoder, PSObject wrapped)
    {
        var value = wrapped.BaseObject;
        if (value is PSCustomObject) WriteCustom(encoder, wrapped);
        else if (!IsPlain(value)) ObjectCopier.Write(encoder, value, wrapped);
        else if (!Access.HasAddedMembers(wrapped) || !TryWriteExtended(encoder, value, wrapped)) encoder.Write(value);
    }

    /// <summary>Writes a value with the properties that were added to it.</summary>
    /// <returns>False if there are none to send.</returns>
    private static bool TryWriteExtended(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        var properties = new List<PSPropertyInfo>();
        foreach (var property in wrapped.Properties.Match("*", PSMemberTypes.NoteProperty | PSMemberTypes.ScriptProperty))
        {
            if (property.IsInstance && !AddedByProviders.Contains(property.Name)) properties.Add(property);
        }
        if (properties.Count == 0) return false;
        if (!encoder.BeginExtended(value, [], out var bag)) return true;
        foreach (var property in properties) bag.Add(property.Name, PSObjectAccess.ValueOf(property));
        bag.End();
        return true;
    }

    private static void WriteCustom(ObjectEncoder encoder, PSObject wrapped)
    {
        PropertyBagWriter bag;
        var names = Access.TypeNames(wrapped);
        if (names.Count == 0 || names[0] == CustomObject)
        {
            if (!encoder.BeginBag(wrapped, out bag)) return;
            Access.WriteAdded(wrapped, ref bag);
            bag.End();
            return;
        }
        var isCopy = names[0].StartsWith(Prefix, StringComparison.Ordinal);
        if (isCopy ? !encoder.BeginObject(wrapped, TypeNameCache.Live(names), Access.GetText(wrapped), out bag)
            : !encoder.BeginNamedBag(wrapped, names.TakeWhile(static name => name != CustomObject).ToArray(), out bag)) return;
        // The public collection also has the properties that type files define for that name, and those of CliXml's deserializer.
        foreach (var property in wrapped.Properties)
        {
            if (property.IsGettable) bag.Add(property.Name, PSObjectAccess.ValueOf(property));
        }
        bag.End();
    }

    /// <summary>Whether format Object has a form for the value, so that its own properties are not sent.</summary>
    private static bool IsPlain(object value) =>
        value is string or IDictionary or Array or ArrayList || value.GetType() is { IsPrimitive: true } ||
        value is decimal or DateTime or TimeSpan or Guid or DateTimeOffset or Enum ||
        (value is IList && value.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(List<>)) ||
        value is Uri or Version or System.Numerics.BigInteger or IpcEnum or IpcOmitted ||
        value is SecureString or XmlDocument or IPAddress or MailAddress or CultureInfo or X509Certificate2 or X500DistinguishedName;

    /// <summary>Adds the prefix to type names, and removes it.</summary>
    private static class TypeNameCache
    {
        private const int MaxNames = 10_000;
        private static readonly ConcurrentDictionary<string, string> Prefixed = new();

        /// <summary>The type names of the received object: for a copy, each name with the prefix; for a custom object, its own and the
        /// usual ones.</summary>
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

        /// <summary>The type names of the original.</summary>
        public static string[] Live(IEnumerable<string> names) =>
            names.Select(static name => name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name).ToArray();
    }
}
