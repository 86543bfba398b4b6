using System.Globalization;

namespace IpcPs.Proc;

/// <summary>The kernel's settings and this process's limits, for the texts of errors and for defaults: /proc/sys,
/// /proc/self/limits.</summary>
internal static class Sysctl
{
    /// <summary>Stands for a value in a message where it can't be read.</summary>
    public const string NotReadable = "not readable";

    /// <summary>A setting by its dotted name, <c>fs.mqueue.msg_max</c>; null where it can't be read.</summary>
    public static long? Read(string name) => ReadText(name) is { } text ? Parse(text) : null;

    /// <summary>The text of a setting that is more than one number; null where it can't be read.</summary>
    public static string? ReadText(string name) => ProcFile.ReadText("/proc/sys/" + name.Replace('.', '/'))?.Trim();

    /// <summary>The value for a message: "8192", or "not readable".</summary>
    public static string Describe(string name) => Read(name)?.ToString(CultureInfo.InvariantCulture) ?? NotReadable;

    /// <summary>A soft limit of this process by its name in /proc/self/limits: "Max msgqueue size".</summary>
    /// <returns>Null where it can't be read; <see cref="long.MaxValue"/> where there is no limit.</returns>
    public static long? ReadProcessLimit(string name) =>
        ProcFile.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal)) is { } line
            && line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..] ? Parse(soft) : null;

    /// <summary>A number; "unlimited", and what is larger than a long (as kernel.shmmax often is), is
    /// <see cref="long.MaxValue"/>.</summary>
    public static long? Parse(string text) =>
        text == "unlimited" ? long.MaxValue
        : long.TryParse(text.AsSpan().Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
        : ulong.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out _) ? long.MaxValue : null;
}
