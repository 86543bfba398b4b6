using System.Globalization;
using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets a <see cref="UnixFileMode"/> parameter accept <c>600</c>, <c>'0600'</c> or <c>'u=rw,g=r'</c>, as chmod(1) does.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ModeTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = Unwrapped.Value(inputData);
        return value switch
        {
            null or UnixFileMode => value,
            // The digits are always octal, as chmod's are: 600 means rw-------.
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
