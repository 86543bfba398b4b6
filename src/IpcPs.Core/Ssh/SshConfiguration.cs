namespace IpcPs.Ssh;

/// <summary>The user's ssh configuration, ssh_config(5). ssh itself applies it.</summary>
public static class SshConfiguration
{
    /// <summary>The hosts that <c>~/.ssh/config</c> names, without patterns; none where it cannot be read.</summary>
    public static IEnumerable<string> Hosts()
    {
        var file = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".ssh", "config");
        try
        {
            return [.. File.ReadLines(file).SelectMany(HostsOf).Distinct(StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static IEnumerable<string> HostsOf(string line) =>
        line.Split([' ', '\t', '=', '"'], StringSplitOptions.RemoveEmptyEntries) is [var keyword, .. var names]
        && keyword.Equals("Host", StringComparison.OrdinalIgnoreCase) ? names.Where(static n => !n.AsSpan().ContainsAny("*?!")) : [];
}
