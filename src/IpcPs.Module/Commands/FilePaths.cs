using System.Management.Automation;

namespace IpcPs.Module.Commands;

/// <summary>The files that commands read: found by paths relative to the session's location.</summary>
internal static class FilePaths
{
    /// <summary>Finds files by paths that may have wildcards.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>; <see cref="IpcErrors.InvalidArgument"/>: it is no file of the file
    /// system.</exception>
    public static List<string> Resolve(IEnumerable<string> paths, PSCmdlet cmdlet)
    {
        var found = new List<string>();
        foreach (var path in paths)
        {
            try
            {
                var matching = cmdlet.GetResolvedProviderPathFromPSPath(path, out var provider);
                if (matching.Count == 0) throw NotFound(path);
                foreach (var file in matching) found.Add(Checked(file, path, provider));
            }
            catch (SessionStateException e)
            {
                throw NotFound(path, e);
            }
        }
        return found;
    }

    /// <summary>Finds files. Wildcards stand for themselves.</summary>
    /// <exception cref="IpcException">As <see cref="Resolve"/>.</exception>
    public static List<string> Find(IEnumerable<string> paths, PSCmdlet cmdlet)
    {
        var found = new List<string>();
        foreach (var path in paths)
        {
            try
            {
                var file = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
                found.Add(Checked(file, path, provider));
            }
            catch (SessionStateException e)
            {
                throw NotFound(path, e);
            }
        }
        return found;
    }

    /// <summary>Opens a file. Other programs may use it meanwhile.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>; <see cref="IpcErrors.AccessDenied"/>;
    /// <see cref="IpcErrors.SystemError"/>.</exception>
    public static FileStream OpenToRead(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, e);
        }
    }

    /// <summary>Reads as much as there is and fits.</summary>
    /// <returns>The number of bytes; 0 at the end.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.SystemError"/>.</exception>
    public static int Read(FileStream file, Span<byte> buffer)
    {
        try
        {
            return file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            throw Unreadable(file.Name, e);
        }
    }

    private static string Checked(string file, string path, ProviderInfo provider)
    {
        if (provider.Name != "FileSystem") throw IpcException.Argument($"'{path}' is not a path of the file system.", path);
        if (Directory.Exists(file)) throw IpcException.Argument($"'{path}' is a folder, not a file.", path);
        return File.Exists(file) ? file : throw NotFound(path);
    }

    private static IpcException NotFound(string path, Exception? inner = null) =>
        new(IpcErrors.NotFound, $"There is no file '{path}'.", path, inner: inner);

    private static IpcException Unreadable(string path, Exception e) =>
        e is FileNotFoundException or DirectoryNotFoundException ? NotFound(path, e)
        : new(e is UnauthorizedAccessException ? IpcErrors.AccessDenied : IpcErrors.SystemError,
            $"The file '{path}' can't be read: {e.Message}", path, inner: e);
}
