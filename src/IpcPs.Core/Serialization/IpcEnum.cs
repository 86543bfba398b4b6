using System.ComponentModel;
using System.Globalization;

namespace IpcPs.Serialization;

/// <summary>A value of an enum, as it arrives from another process: its name and its number, without the type, which is never created from a name. Equal to
/// its name (in any case) and to its number, so that comparisons written for the live enum go on working.</summary>
/// <param name="typeName">The enum's full name.</param>
/// <param name="name">The value's name, of flags several with commas; the number as text where it has none.</param>
/// <param name="value">The number.</param>
[TypeConverter(typeof(IpcEnumConverter))]
public sealed class IpcEnum(string typeName, string name, long value) : IEquatable<IpcEnum>, IComparable, IFormattable
{
    /// <summary>The enum's full name, like <c>System.DayOfWeek</c>.</summary>
    public string TypeName { get; } = typeName;

    /// <summary>The value's name: <c>Monday</c>, <c>ReadOnly, Hidden</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The number. Of an enum over UInt64 with the highest bit set it is the same 64 bits as a signed number.</summary>
    public long Value { get; } = value;

    /// <summary>The number.</summary>
    public static explicit operator long(IpcEnum value) => value?.Value ?? 0;

    /// <summary>The number, where it fits.</summary>
    /// <exception cref="OverflowException">It does not.</exception>
    public static explicit operator int(IpcEnum value) => checked((int)(value?.Value ?? 0));

    /// <summary>Whether both are the same value of the same enum.</summary>
    public static bool operator ==(IpcEnum? left, IpcEnum? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether they are different values, or values of different enums.</summary>
    public static bool operator !=(IpcEnum? left, IpcEnum? right) => !(left == right);

    /// <summary>By number.</summary>
    public static bool operator <(IpcEnum? left, IpcEnum? right) => Compare(left, right) < 0;

    /// <summary>By number.</summary>
    public static bool operator <=(IpcEnum? left, IpcEnum? right) => Compare(left, right) <= 0;

    /// <summary>By number.</summary>
    public static bool operator >(IpcEnum? left, IpcEnum? right) => Compare(left, right) > 0;

    /// <summary>By number.</summary>
    public static bool operator >=(IpcEnum? left, IpcEnum? right) => Compare(left, right) >= 0;

    /// <summary>The number, as <see cref="Value"/>.</summary>
    public long ToInt64() => Value;

    /// <summary>The number, where it fits.</summary>
    public int ToInt32() => checked((int)Value);

    /// <summary>The bits that both have: <c>-band</c>.</summary>
    public static long operator &(IpcEnum? left, long right) => (left?.Value ?? 0) & right;

    /// <summary>As the operator.</summary>
    public long BitwiseAnd(long other) => Value & other;

    /// <summary>Whether all bits of <paramref name="flag"/> are set.</summary>
    public bool HasFlag(long flag) => (Value & flag) == flag;

    /// <inheritdoc/>
    public bool Equals(IpcEnum? other) =>
        other is not null && Value == other.Value && string.Equals(TypeName, other.TypeName, StringComparison.Ordinal);

    /// <summary>Whether it is the same value: as another <see cref="IpcEnum"/>, a live enum of that type, a name, or a number.</summary>
    public override bool Equals(object? obj) => obj switch
    {
        null => false,
        IpcEnum other => Equals(other),
        string text => string.Equals(text, Name, StringComparison.OrdinalIgnoreCase),
        Enum live => live.GetType().FullName == TypeName && ToNumber(live) == Value,
        IConvertible number when IsInteger(number.GetTypeCode()) => number is not ulong large ? number.ToInt64(CultureInfo.InvariantCulture) == Value : unchecked((long)large) == Value,
        _ => false,
    };

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <summary>By number; text is compared with the name.</summary>
    public int CompareTo(object? obj) => obj switch
    {
        null => 1,
        IpcEnum other => Value.CompareTo(other.Value),
        string text => string.Compare(Name, text, StringComparison.OrdinalIgnoreCase),
        Enum live => Value.CompareTo(ToNumber(live)),
        IConvertible number => ((decimal)Value).CompareTo(number.ToDecimal(CultureInfo.InvariantCulture)),
        _ => throw new ArgumentException($"An enum value cannot be compared with a {obj.GetType()}.", nameof(obj)),
    };

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>The name; with D, X or another numeric format the number.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        string.IsNullOrEmpty(format) || format is "G" or "g" or "F" or "f" ? Name : Value.ToString(format, formatProvider);

    internal static long ToNumber(Enum value) =>
        value.GetTypeCode() == TypeCode.UInt64 ? unchecked((long)Convert.ToUInt64(value, CultureInfo.InvariantCulture)) : Convert.ToInt64(value, CultureInfo.InvariantCulture);

    private static int Compare(IpcEnum? left, IpcEnum? right) => left is null ? (right is null ? 0 : -1) : left.CompareTo(right);

    private static bool IsInteger(TypeCode code) => code is >= TypeCode.SByte and <= TypeCode.UInt64;
}
