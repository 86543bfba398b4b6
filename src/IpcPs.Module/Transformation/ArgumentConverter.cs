using System.Management.Automation;

namespace IpcPs.Module.Transformation;

/// <summary>Lets PowerShell convert to the type of a parameter where no attribute of the parameter does it.</summary>
/// <remarks>Proxy functions (<see cref="ProxyCommand"/>) and Pester's mocks copy the type of a parameter, but not its transformation. The
/// parameter of a user's function that is passed on has the type alone, too. So the type accepts what the parameter accepts.</remarks>
public abstract class ArgumentConverter : PSTypeConverter
{
    /// <inheritdoc/>
    public override bool CanConvertFrom(object sourceValue, Type destinationType) => true;

    /// <inheritdoc/>
    public override object? ConvertFrom(object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        Convert(Unwrapped.Value(sourceValue));

    /// <inheritdoc/>
    public override bool CanConvertTo(object sourceValue, Type destinationType) => false;

    /// <inheritdoc/>
    public override object ConvertTo(object sourceValue, Type destinationType, IFormatProvider formatProvider, bool ignoreCase) =>
        throw new InvalidCastException();

    /// <summary>Converts one value, without PowerShell's wrapping.</summary>
    private protected abstract object Convert(object? value);
}
