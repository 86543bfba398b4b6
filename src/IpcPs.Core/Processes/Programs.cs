namespace IpcPs.Processes;

/// <summary>Finds programs by their names, as a shell does (environ(7), PATH).</summary>
public static class Programs
{
    /// <summary>The path of a program; null where PATH has none of that name. An empty part of PATH, which would mean the current folder,
    /// is left out.</summary>
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
