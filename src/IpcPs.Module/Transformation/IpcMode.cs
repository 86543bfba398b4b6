using System.ComponentModel;
using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Permissions. A -Mode parameter takes <c>600</c>, <c>'0600'</c> or <c>'u=rw,g=r'</c>, as chmod(1) does; the Mode of an object
/// prints as 0600 in tables, lists and strings, and is a <see cref="UnixFileMode"/> wherever one is expected.</summary>
/// <remarks>A type of its own. PowerShell converts 600 to a UnixFileMode as a decimal number: where only the type of a parameter is known,
/// as in a proxy function, that would be 1130. And in a string it always has the names of an enumeration's values.</remarks>
/// <param name="Value">The permissions.</param>
[TypeConverter(typeof(IpcModeConverter))]
public readonly record struct IpcMode(UnixFileMode Value)
{
    /// <summary>The default of every object: only its owner reads and writes.</summary>
    internal static IpcMode Private => new(UnixFileMode.UserRead | UnixFileMode.UserWrite);

    /// <summary>The octal digits, with a 0 before them.</summary>
    public override string ToString() => Convert.ToString((int)Value, 8).PadLeft(4, '0');

    /// <summary>Whether all of these permissions are given.</summary>
    public bool HasFlag(UnixFileMode flag) => (Value & flag) == flag;

    /// <summary>The permissions.</summary>
    public static implicit operator UnixFileMode(IpcMode mode) => mode.Value;

    /// <summary>The permissions as the kernel has them: 0600 is 384.</summary>
    public static explicit operator int(IpcMode mode) => (int)mode.Value;

    /// <summary>Those that both have: -band.</summary>
    public static UnixFileMode operator &(IpcMode mode, UnixFileMode other) => mode.Value & other;

    /// <summary>Those that one of them has: -bor.</summary>
    public static UnixFileMode operator |(IpcMode mode, UnixFileMode other) => mode.Value | other;

    internal static IpcMode From(object? value) => value switch
    {
        IpcMode mode => mode,
        UnixFileMode mode => new IpcMode(mode),
        // The digits are always octal, as chmod's are: 600 means rw-------.
        int or long => new IpcMode(Octal(Convert.ToString(value, CultureInfo.InvariantCulture)!)),
        string text when text.Contains('=', StringComparison.Ordinal) => new IpcMode(Symbolic(text)),
        // What an object's Mode is as text: 'UserWrite, UserRead'.
        string text when text.Length > 0 && char.IsLetter(text[0]) && Enum.TryParse<UnixFileMode>(text, ignoreCase: true, out var named)
            && (int)named <= 0x1FF => new IpcMode(named),
        string text => new IpcMode(Octal(text)),
        _ => throw Wrong(value),
    };

    private static UnixFileMode Octal(string text)
    {
        var digits = text.StartsWith("0o", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        if (digits.Length is 0 or > 4 || digits.Any(static c => c is < '0' or > '7')) throw Wrong(text);
        var mode = Convert.ToInt32(digits, 8);
        return mode <= 0x1FF ? (UnixFileMode)mode : throw Wrong(text);
    }

    private static UnixFileMode Symbolic(string text)
    {
        var mode = UnixFileMode.None;
        foreach (var clause in text.Split(','))
        {
            var equals = clause.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) throw Wrong(text);
            var users = equals == 0 ? "a" : clause[..equals];
            var bits = 0;
            foreach (var c in clause[(equals + 1)..]) bits |= c switch { 'r' => 4, 'w' => 2, 'x' => 1, _ => throw Wrong(text) };
            foreach (var c in users)
            {
                mode |= (UnixFileMode)(c switch
                {
                    'u' => bits << 6,
                    'g' => bits << 3,
                    'o' => bits,
                    'a' => bits << 6 | bits << 3 | bits,
                    _ => throw Wrong(text),
                });
            }
        }
        return mode;
    }

    private static ArgumentTransformationMetadataException Wrong(object? value) =>
        new($"A mode such as 600, '0640' or 'u=rw,g=r' is expected, not '{value}'.");
}

/// <summary>Converts to an <see cref="IpcMode"/>.</summary>
public sealed class IpcModeConverter : ArgumentConverter
{
    private protected override object Convert(object? value) => IpcMode.From(value);
}

/// <summary>Lets an <see cref="IpcMode"/> parameter accept <c>600</c>, <c>'0600'</c> or <c>'u=rw,g=r'</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ModeTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        Unwrapped.Value(inputData) is { } value ? IpcMode.From(value) : null;
}
