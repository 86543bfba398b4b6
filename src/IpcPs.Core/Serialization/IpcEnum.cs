using System.ComponentModel;
using System.Globalization;

namespace IpcPs.Serialization;

/// <summary>A value of an enum that arrived from another process: its name and its number. Its type is not created, because no type is ever
/// created from a name. It is equal to its name (case does not matter) and to its number, so that comparisons written for the enum work
/// with it too.</summary>
/// <param name="typeName">The full name of the enum, like <c>System.DayOfWeek</c>.</param>
/// <param name="name">The name of the value; for flags, several names with commas; the number as text if the value has no name.</param>
/// <param name="value">The number.</param>
[TypeConverter(typeof(IpcEnumConverter))]
public sealed class IpcEnum(string typeName, string name, long value) : IEquatable<IpcEnum>, IComparable, IFormattable
{
    /// <summary>The full name of the enum, like <c>System.DayOfWeek</c>.</summary>
    public string TypeName { get; } = typeName;

    /// <summary>The name of the value: <c>Monday</c>, <c>ReadOnly, Hidden</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The number. If the enum is over UInt64 and the highest bit is set, it is the same 64 bits as a signed number.</summary>
    public long Value { get; } = value;

    /// <summary>The number.</summary>
    public static explicit operator long(IpcEnum value) => value?.Value ?? 0;

    /// <summary>The number as an Int32.</summary>
    /// <exception cref="OverflowException">It does not fit.</exception>
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

    /// <summary>The number.</summary>
    public long ToInt64() => Value;

    /// <summary>The number as an Int32.</summary>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public int ToInt32() => checked((int)Value);

    /// <summary>The bits that are set in both: PowerShell's <c>-band</c>.</summary>
    public static long operator &(IpcEnum? left, long right) => (left?.Value ?? 0) & right;

    /// <summary>The bits that are set in both.</summary>
    public long BitwiseAnd(long other) => Value & other;

    /// <summary>Whether all bits of <paramref name="flag"/> are set.</summary>
    public bool HasFlag(long flag) => (Value & flag) == flag;

    /// <inheritdoc/>
    public bool Equals(IpcEnum? other) =>
        other is not null && Value == other.Value && string.Equals(TypeName, other.TypeName, StringComparison.Ordinal);

    /// <summary>Whether it is the same value as another <see cref="IpcEnum"/>, a value of that enum, a name, or a number.</summary>
    public override bool Equals(object? obj) => obj switch
    {
        null => false,
        IpcEnum other => Equals(other),
        string text => string.Equals(text, Name, StringComparison.OrdinalIgnoreCase),
        Enum live => live.GetType().FullName == TypeName && ToNumber(live) == Value,
        ulong large => unchecked((long)large) == Value,
        IConvertible number when IsInteger(number.GetTypeCode()) => number.ToInt64(CultureInfo.InvariantCulture) == Value,
        _ => false,
    };

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <summary>Compares by number, and with a text by name.</summary>
    public int CompareTo(object? obj) => obj switch
    {
        null => 1,
        IpcEnum other => Value.CompareTo(other.Value),
        string text => string.Compare(Name, text, StringComparison.OrdinalIgnoreCase),
        Enum live => Value.CompareTo(ToNumber(live)),
        IConvertible number => ((decimal)Value).CompareTo(number.ToDecimal(CultureInfo.InvariantCulture)),
        _ => throw new ArgumentException($"A value of {TypeName} cannot be compared with a {obj.GetType()}.", nameof(obj)),
    };

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>The name. With D, X or another numeric format, the number.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        string.IsNullOrEmpty(format) || format is "G" or "g" or "F" or "f" ? Name : Value.ToString(format, formatProvider);

    internal static long ToNumber(Enum value) => value.GetTypeCode() == TypeCode.UInt64
        ? unchecked((long)Convert.ToUInt64(value, CultureInfo.InvariantCulture))
        : Convert.ToInt64(value, CultureInfo.InvariantCulture);

    private static int Compare(IpcEnum? left, IpcEnum? right) => left is null ? (right is null ? 0 : -1) : left.CompareTo(right);

    private static bool IsInteger(TypeCode code) => code is >= TypeCode.SByte and <= TypeCode.UInt64;
}

/// <summary>Converts an <see cref="IpcEnum"/> to an enum that the caller names, so that PowerShell's casts work; and names and numbers to
/// an <see cref="IpcEnum"/>, so that its comparisons do. It creates no type.</summary>
internal sealed class IpcEnumConverter : TypeConverter
{
    public override bool CanConvertTo(ITypeDescriptorContext? context, Type? destinationType) =>
        destinationType is { IsEnum: true } || base.CanConvertTo(context, destinationType);

    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        value is IpcEnum copy && destinationType.IsEnum
            ? Enum.ToObject(destinationType, copy.Value)
            : base.ConvertTo(context, culture, value, destinationType);

    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string) || (sourceType.IsPrimitive && sourceType != typeof(bool)) || sourceType.IsEnum;

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value)
    {
        switch (value)
        {
            case Enum live:
                return new IpcEnum(live.GetType().FullName ?? "", live.ToString(), IpcEnum.ToNumber(live));
            case string text:
                // A name alone does not say which number it is. Equals() and CompareTo() compare it as a name.
                return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var parsed)
                    ? new IpcEnum("", text, parsed)
                    : throw new FormatException($"'{text}' is not a number.");
            case IConvertible convertible:
                var number = convertible.ToInt64(CultureInfo.InvariantCulture);
                return new IpcEnum("", number.ToString(CultureInfo.InvariantCulture), number);
            default:
                return base.ConvertFrom(context, culture, value);
        }
    }
}
