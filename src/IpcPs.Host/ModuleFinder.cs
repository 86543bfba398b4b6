namespace IpcPs.Host;

/// <summary>Finds the module that this host was built with.</summary>
internal static class ModuleFinder
{
    /// <summary>The manifest in the host's own folder or the nearest one above it; null where there is none.</summary>
    public static string? Manifest()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var path = Path.Combine(folder.FullName, "IpcPs.psd1");
            if (File.Exists(path)) return path;
        }
        return null;
    }
}
