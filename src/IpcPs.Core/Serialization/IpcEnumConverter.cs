using System.ComponentModel;
using System.Globalization;

namespace IpcPs.Serialization;

/// <summary>Converts an <see cref="IpcEnum"/> to a live enum, where the receiver names its type; and from names and numbers, so that
/// comparisons with them work. It makes no types: the target's is the caller's.</summary>
internal sealed class IpcEnumConverter : TypeConverter
{
    public override bool CanConvertTo(ITypeDescriptorContext? context, Type? destinationType) => destinationType is { IsEnum: true } || base.CanConvertTo(context, destinationType);

    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType)
    {
        if (value is not IpcEnum copy || !destinationType.IsEnum) return base.ConvertTo(context, culture, value, destinationType);
        return Enum.ToObject(destinationType, copy.Value);
    }

    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) => sourceType == typeof(string) || (sourceType.IsPrimitive && sourceType != typeof(bool)) || sourceType.IsEnum;

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value)
    {
        switch (value)
        {
            case Enum live:
                return new IpcEnum(live.GetType().FullName ?? "", live.ToString(), IpcEnum.ToNumber(live));
            case string text:
                // Only a number says which value of which enum it is; a name alone is compared as a name.
                return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var parsed) ? new IpcEnum("", text, parsed) : throw new FormatException($"'{text}' is no number.");
            case IConvertible convertible:
                var number = convertible.ToInt64(CultureInfo.InvariantCulture);
                return new IpcEnum("", number.ToString(CultureInfo.InvariantCulture), number);
            default:
                return base.ConvertFrom(context, culture, value);
        }
    }
}
