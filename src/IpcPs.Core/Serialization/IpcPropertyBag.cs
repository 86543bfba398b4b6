using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace IpcPs.Serialization;

/// <summary>What an object of another process is to a C# program that uses the core alone: named values in their order, its type names and its text. Names are
/// found in any case, as PowerShell finds them.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "It is an object of another process; that it can be looked through like a dictionary is a convenience.")]
public sealed class IpcPropertyBag : IReadOnlyDictionary<string, object?>
{
    private readonly List<KeyValuePair<string, object?>> _properties;
    private readonly Dictionary<string, int> _index;

    /// <summary>Creates an empty bag.</summary>
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

    /// <summary>What ToString gave where the object lived; null where it had nothing of its own to say.</summary>
    public string? Text { get; set; }

    /// <summary>Whether this is what is left of an object of another type, rather than a custom object.</summary>
    public bool IsCopy { get; set; }

    /// <inheritdoc/>
    public int Count => _properties.Count;

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _properties.Select(static property => property.Key);

    /// <inheritdoc/>
    public IEnumerable<object?> Values => _properties.Select(static property => property.Value);

    /// <inheritdoc/>
    public object? this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"The object has no property '{key}'.");

    /// <summary>Adds a property behind the others.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: the name is empty or taken.</exception>
    public void Add(string name, object? value)
    {
        if (string.IsNullOrEmpty(name) || !TryAdd(name, value)) throw IpcException.Argument($"A property '{name}' cannot be added: the name is empty or taken.");
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

    /// <summary>The text of the object, or its properties as PowerShell would show them: <c>@{Name=…; Size=…}</c>.</summary>
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
