using System.Collections;
using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Security;

namespace IpcPs.Serialization;

/// <summary>The model of C# programs: an object is sent as its public properties, and arrives as an <see cref="IpcPropertyBag"/>.</summary>
public sealed class ReflectionModel : IObjectModel
{
    private static readonly ConditionalWeakTable<Type, Shape> Shapes = [];

    private ReflectionModel()
    {
    }

    /// <summary>The only instance. It has no state.</summary>
    public static ReflectionModel Instance { get; } = new();

    /// <inheritdoc/>
    public void Write(ObjectEncoder encoder, object value)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(value);
        if (value is IEnumerable items)
        {
            encoder.WriteSequence(items);
            return;
        }
        var shape = Shapes.GetValue(value.GetType(), static type => new Shape(type));
        var text = TextOf(value);
        if (!encoder.CanDescend)
        {
            encoder.Write(text);
            return;
        }
        if (!encoder.BeginObject(value, shape.TypeNames, text, out var bag)) return;
        foreach (var property in shape.Properties) bag.Add(property.Name, ValueOf(property, value));
        bag.End();
    }

    /// <inheritdoc/>
    public object CreateBag(int capacity) => new IpcPropertyBag(Math.Min(capacity, 64));

    /// <inheritdoc/>
    public bool AddProperty(object bag, string name, object? value) => ((IpcPropertyBag)bag).TryAdd(name, value);

    /// <inheritdoc/>
    public object CompleteBag(object bag, IReadOnlyList<string> typeNames, string? text, bool isCopy)
    {
        var properties = (IpcPropertyBag)bag;
        properties.TypeNames = typeNames;
        properties.Text = text;
        properties.IsCopy = isCopy;
        return properties;
    }

    /// <summary>Returns the value alone, because a .NET value cannot have additional properties.</summary>
    /// <param name="value">The value.</param>
    /// <param name="typeNames">Ignored.</param>
    /// <param name="bag">Ignored.</param>
    public object AddMembers(object value, IReadOnlyList<string> typeNames, object bag) => value;

    /// <summary>Returns the Boolean: only PowerShell has switches.</summary>
    public object CreateSwitch(bool isPresent) => isPresent;

    /// <summary>Creates a <see cref="NetworkCredential"/>.</summary>
    /// <param name="userName">The user.</param>
    /// <param name="password">The password.</param>
    public object CreateCredential(string? userName, SecureString? password) => new NetworkCredential(userName, password);

    /// <summary>Returns the value: the copy of an object that only PowerShell has.</summary>
    /// <param name="code">Ignored.</param>
    /// <param name="value">The copy.</param>
    public object? Restore(int code, object? value) => value;

    private static string TextOf(object value)
    {
        try
        {
            return value.ToString() ?? "";
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            return value.GetType().ToString();
        }
    }

    // A getter that throws gives null. The other properties are sent.
    private static object? ValueOf(PropertyInfo property, object value)
    {
        try
        {
            return property.GetValue(value);
        }
        catch (Exception e) when (e is TargetInvocationException or NotSupportedException or InvalidOperationException)
        {
            return null;
        }
    }

    private sealed class Shape
    {
        public Shape(Type type)
        {
            var names = new List<string>();
            for (var at = type; at is not null && names.Count < CodecLimits.MaxTypeNames; at = at.BaseType)
                names.Add(at.FullName ?? at.Name);
            TypeNames = names;
            // To PowerShell, names that differ only by case are the same property.
            Properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(static property => property.CanRead && property.GetIndexParameters().Length == 0)
                .Where(static property => property.PropertyType is { IsByRefLike: false, IsByRef: false, IsPointer: false })
                .DistinctBy(static property => property.Name, StringComparer.OrdinalIgnoreCase)
                .ToArray();
        }

        public IReadOnlyList<string> TypeNames { get; }
        public PropertyInfo[] Properties { get; }
    }
}
