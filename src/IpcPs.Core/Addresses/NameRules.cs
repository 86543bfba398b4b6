using System.Text;

namespace IpcPs.Addresses;

/// <summary>The rules for names: no name that the kernel would cut, resolve elsewhere, or refuse without saying why.</summary>
internal static class NameRules
{
    /// <summary>NAME_MAX: bytes in one component.</summary>
    public const int MaxFileName = 255;

    /// <summary>PATH_MAX without the closing NUL.</summary>
    public const int MaxPath = 4095;

    /// <summary>Checks a name that is one component: no slash, no <c>.</c> or <c>..</c>, no control character.</summary>
    public static string Bare(string address, string name, int maxBytes)
    {
        if (name.Length == 0) throw Invalid(address, "the name is empty");
        if (name is "." or "..") throw Invalid(address, $"'{name}' is not a name");
        if (name.Contains('/', StringComparison.Ordinal)) throw Invalid(address, "a name has no slash");
        CheckCharacters(address, name);
        CheckLength(address, name, maxBytes);
        return name;
    }

    /// <summary>Checks a full path: no <c>..</c> component, no control character, no component too long; doubled and closing slashes are
    /// removed.</summary>
    public static string FullPath(string address, string path, int maxBytes)
    {
        CheckCharacters(address, path);
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length == 0) throw Invalid(address, "it does not name a file");
        foreach (var part in parts)
        {
            if (part is "." or "..") throw Invalid(address, $"a path may not contain '{part}'");
            CheckLength(address, part, MaxFileName);
        }
        var full = "/" + string.Join('/', parts);
        CheckLength(address, full, maxBytes);
        return full;
    }

    public static void CheckLength(string address, string name, int maxBytes)
    {
        var bytes = Encoding.UTF8.GetByteCount(name);
        if (bytes > maxBytes)
        {
            throw new IpcException(IpcErrors.NameTooLong,
                $"The name in '{Shorten(address)}' has {bytes} bytes; the maximum is {maxBytes}.", address,
                "Choose a shorter name.");
        }
    }

    public static void CheckCharacters(string address, string name)
    {
        if (IsText(name)) return;
        foreach (var c in name)
        {
            if (char.IsControl(c)) throw Invalid(address, $"it contains the control character U+{(int)c:X4}");
        }
        throw Invalid(address, "it contains half of a character");
    }

    /// <summary>Whether a name has no control characters, and no half surrogates: as UTF-8 they would be another name.</summary>
    public static bool IsText(string name)
    {
        for (var i = 0; i < name.Length;)
        {
            if (!Rune.TryGetRuneAt(name, i, out var rune) || Rune.IsControl(rune)) return false;
            i += rune.Utf16SequenceLength;
        }
        return true;
    }

    public static IpcException Invalid(string address, string why) =>
        new(IpcErrors.InvalidName, $"'{Shorten(address)}' is not a usable name: {why}.", address);

    /// <summary>A text from outside, for a message.</summary>
    public static string Shorten(string text)
    {
        var clean = string.Concat(text.Select(static c => char.IsControl(c) ? '?' : c));
        return clean.Length <= 80 ? clean : clean[..77] + "...";
    }
}
