using System.Collections.ObjectModel;
using System.Management.Automation;

namespace IpcPs.Module.Files;

/// <summary>The files that commands read: found by paths relative to the session's location.</summary>
internal static class FilePaths
{
    /// <summary>Finds files.</summary>
    /// <param name="paths">Their paths.</param>
    /// <param name="wildcards">Whether the paths may have wildcards. Otherwise these stand for themselves.</param>
    /// <param name="cmdlet">The command.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>; <see cref="IpcErrors.InvalidArgument"/>: it is no file of the file
    /// system.</exception>
    public static List<string> Find(IEnumerable<string> paths, bool wildcards, PSCmdlet cmdlet)
    {
        var found = new List<string>();
        foreach (var path in paths)
        {
            try
            {
                ProviderInfo provider;
                Collection<string> matching = wildcards ? cmdlet.GetResolvedProviderPathFromPSPath(path, out provider)
                    : [cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out provider, out _)];
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

    /// <summary>The id for what .NET says of a file.</summary>
    public static IpcErrorId IdOf(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => IpcErrors.NotFound,
        UnauthorizedAccessException => IpcErrors.AccessDenied,
        _ => IpcErrors.SystemError,
    };

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
        IdOf(e) is var id && id == IpcErrors.NotFound ? NotFound(path, e)
        : new(id, $"The file '{path}' can't be read: {e.Message}", path, inner: e);
}
