using System.Globalization;

namespace IpcPs.Inventory;

/// <summary>A process that has an object open, mapped, or waits on it.</summary>
/// <param name="ProcessId">Its number.</param>
/// <param name="ProcessName">Its name, as the kernel knows it (15 characters).</param>
/// <param name="How">"open", "mapped" or "bound".</param>
public sealed record IpcHolder(int ProcessId, string ProcessName, string How)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ProcessName}({ProcessId})");
}
