using System.Globalization;

namespace IpcPs.Proc;

/// <summary>The kernel's limits, read where sysctl(8) and ulimit read them; for the texts of errors and for defaults.</summary>
internal static class Sysctl
{
    /// <summary>A sysctl by its dotted name, <c>fs.mqueue.msg_max</c>; null where it can't be read.</summary>
    public static long? Read(string name) => Parse(ReadFile("/proc/sys/" + name.Replace('.', '/')));

    /// <summary>The same for a message: "8192", or "not readable".</summary>
    public static string Describe(string name) => Read(name)?.ToString(CultureInfo.InvariantCulture) ?? "not readable";

    /// <summary>A soft limit of this process by its name in /proc/self/limits: "Max msgqueue size". Null where it has none, or can't be read.</summary>
    public static long? ReadProcessLimit(string name)
    {
        foreach (var line in ReadFile("/proc/self/limits").Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal)) return Parse(line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(""));
        }
        return null;
    }

    private static long? Parse(string text) => long.TryParse(text.AsSpan().Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static string ReadFile(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
