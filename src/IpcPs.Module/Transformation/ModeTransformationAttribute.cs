using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a <see cref="UnixFileMode"/> parameter take <c>600</c>, <c>'0600'</c> or <c>'u=rw,g=r'</c>, as chmod(1) does.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ModeTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        return value switch
        {
            null or UnixFileMode => value,
            // The digits are octal however they are written: 600 means rw-------, as on chmod's command line.
            int or long => Octal(Convert.ToString(value, CultureInfo.InvariantCulture)!),
            string text when text.Contains('=', StringComparison.Ordinal) => Symbolic(text),
            string text => Octal(text),
            _ => throw Wrong(value),
        };
    }

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
            var who = equals == 0 ? "a" : clause[..equals];
            var bits = 0;
            foreach (var c in clause[(equals + 1)..]) bits |= c switch { 'r' => 4, 'w' => 2, 'x' => 1, _ => throw Wrong(text) };
            foreach (var c in who)
                mode |= (UnixFileMode)(c switch { 'u' => bits << 6, 'g' => bits << 3, 'o' => bits, 'a' => bits << 6 | bits << 3 | bits, _ => throw Wrong(text) });
        }
        return mode;
    }

    private static ArgumentTransformationMetadataException Wrong(object? value) =>
        new($"A mode is like 600, '0640' or 'u=rw,g=r', and '{value}' is not.");
}
