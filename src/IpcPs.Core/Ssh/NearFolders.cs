using System.Globalization;
using IpcPs.Proc;

namespace IpcPs.Ssh;

/// <summary>The private folders of connections on this machine: in the runtime folder, <c>ssh-PID-NAME</c>. Those of processes that were
/// killed are removed by the next one.</summary>
internal static class NearFolders
{
    private const string Prefix = "ssh-";

    /// <summary>Creates a folder.</summary>
    public static string Create(string name)
    {
        var runtime = RuntimeFolder.Ensure();
        RemoveLeftovers(runtime);
        var path = Path.Combine(runtime, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{name}"));
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    /// <summary>Removes a folder with what is in it.</summary>
    public static void Remove(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // ssh removes its socket at the same time, or has not yet. The next connection removes the rest.
        }
    }

    private static void RemoveLeftovers(string runtime)
    {
        foreach (var path in Directory.EnumerateDirectories(runtime, Prefix + "*"))
        {
            var id = Path.GetFileName(path.AsSpan())[Prefix.Length..];
            var end = Math.Max(id.IndexOf('-'), 0);
            if (int.TryParse(id[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && !ProcFile.IsRunning(number))
                Remove(path);
        }
    }
}
