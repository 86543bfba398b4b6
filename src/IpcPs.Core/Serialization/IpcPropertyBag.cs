using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace IpcPs.Serialization;

/// <summary>An object of another process, as a C# program receives it: its properties in their order, its type names and its text. The case
/// of a property's name does not matter, as in PowerShell.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "It stands for an object. That it can be read like a dictionary is a convenience.")]
public sealed class IpcPropertyBag : IReadOnlyDictionary<string, object?>
{
    private readonly List<KeyValuePair<string, object?>> _properties;
    private readonly Dictionary<string, int> _index;

    /// <summary>Creates an empty property bag.</summary>
    public IpcPropertyBag() : this(0)
    {
    }

    internal IpcPropertyBag(int capacity)
    {
        _properties = new List<KeyValuePair<string, object?>>(capacity);
        _index = new Dictionary<string, int>(capacity, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The type names, most specific first; empty for a plain custom object.</summary>
    public IReadOnlyList<string> TypeNames { get; set; } = [];

    /// <summary>What ToString of the original returned; null if it has no text of its own.</summary>
    public string? Text { get; set; }

    /// <summary>True for the copy of an object of another type, false for a custom object.</summary>
    public bool IsCopy { get; set; }

    /// <inheritdoc/>
    public int Count => _properties.Count;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _properties.Select(static property => property.Key);

    /// <inheritdoc/>
    public IEnumerable<object?> Values => _properties.Select(static property => property.Value);

    /// <inheritdoc/>
    public object? this[string key] =>
        TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"The object has no property '{key}'.");

    /// <summary>Adds a property after the others.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the name is empty, or the object already has it.</exception>
    public void Add(string name, object? value)
    {
        if (string.IsNullOrEmpty(name)) throw IpcException.Argument("A property must have a name.");
        if (!TryAdd(name, value)) throw IpcException.Argument($"The object already has a property '{name}'.");
    }

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _index.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out object? value)
    {
        var found = _index.TryGetValue(key, out var at);
        value = found ? _properties[at].Value : null;
        return found;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => _properties.GetEnumerator();

    /// <summary>The text of the object. If it has none, its properties as PowerShell shows them: <c>@{Name=…; Size=…}</c>.</summary>
    public override string ToString() =>
        Text ?? "@{" + string.Join("; ", _properties.Select(static property => $"{property.Key}={property.Value}")) + "}";

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal bool TryAdd(string name, object? value)
    {
        if (!_index.TryAdd(name, _properties.Count)) return false;
        _properties.Add(new KeyValuePair<string, object?>(name, value));
        return true;
    }
}
