using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Files;

namespace IpcPs.Addresses;

/// <summary>The key of a System V object (sysvipc(7)): a number, <c>/path#id</c> as ftok(3) uses it, or the kernel id of a private
/// object, which has no key, as <c>id=N</c>.</summary>
public sealed class SysVKey : IEquatable<SysVKey>
{
    private SysVKey(int? key, string? path, byte projectId, int? id)
    {
        Key = key;
        Path = path;
        ProjectId = projectId;
        Id = id;
    }

    /// <summary>The number, where the key is a number; else null.</summary>
    public int? Key { get; }

    /// <summary>The file of a <c>/path#id</c> key; else null.</summary>
    public string? Path { get; }

    /// <summary>The project id of a <c>/path#id</c> key, 1 to 255.</summary>
    public byte ProjectId { get; }

    /// <summary>The kernel's id of an object without a key; else null.</summary>
    public int? Id { get; }

    /// <summary>A numeric key.</summary>
    public static SysVKey FromNumber(int key) => new(key, null, 0, null);

    /// <summary>An object by the kernel's id, as ipcs(1) lists it.</summary>
    public static SysVKey FromId(int id) => new(null, null, 0, id);

    /// <summary>Parses <c>0x2a</c>, <c>42</c>, <c>/path#id</c> (id is a number 1..255 or one character) or <c>id=N</c>.</summary>
    /// <returns>Null where the text is not a key.</returns>
    public static SysVKey? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!NameRules.IsText(text)) return null;
        if (text.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return uint.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) && hex != 0
                ? FromNumber((int)hex) : null;
        }
        if (text.StartsWith("id=", StringComparison.Ordinal))
            return int.TryParse(text.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? FromId(id) : null;
        if (text.StartsWith('/')) return TryParsePath(text);
        // Key 0 is IPC_PRIVATE, by which no object can be found again.
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number != 0
            ? FromNumber(number) : null;
    }

    /// <summary>The key's number.</summary>
    /// <remarks>Computes what glibc's ftok(3) does, from the file's device and inode (statx(2)).</remarks>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: the file does not exist.</exception>
    public int Resolve()
    {
        if (Key is { } number) return number;
        if (Path is null) throw new InvalidOperationException("A private object has an id and no key.");
        if (FileStatus.TryOf(Path, followLinks: true)?.Id is not { } file)
            throw IpcException.FromErrno("ftok", Marshal.GetLastPInvokeError(), Path,
                "The file of a /path#id key must exist. Its number depends on the file's inode.");
        return (int)((file.Inode & 0xffff) | ((file.Minor & 0xff) << 16) | ((uint)ProjectId << 24));
    }

    /// <inheritdoc/>
    public bool Equals(SysVKey? other) =>
        other is not null && other.Key == Key && other.Path == Path && other.ProjectId == ProjectId && other.Id == Id;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SysVKey);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Key, Path, ProjectId, Id);

    /// <summary>The text that <see cref="TryParse"/> reads.</summary>
    public override string ToString() =>
        Path is not null ? string.Create(CultureInfo.InvariantCulture, $"{Path}#{ProjectId}")
        : Id is { } id ? string.Create(CultureInfo.InvariantCulture, $"id={id}")
        : string.Create(CultureInfo.InvariantCulture, $"0x{Key:x}");

    private static SysVKey? TryParsePath(string text)
    {
        var hash = text.LastIndexOf('#');
        if (hash < 2 || hash == text.Length - 1) return null;
        var project = text.AsSpan(hash + 1);
        if (byte.TryParse(project, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0)
            return new SysVKey(null, text[..hash], id, null);
        var bytes = Encoding.UTF8.GetBytes(project.ToString());
        return bytes.Length == 1 && bytes[0] is < (byte)'0' or > (byte)'9' ? new SysVKey(null, text[..hash], bytes[0], null) : null;
    }
}
