using System.Management.Automation;

namespace IpcPs.Module.Jobs.Parent;

/// <summary>The paths that Start-IpcJob accepts, relative to the location of a command's session.</summary>
internal static class JobPaths
{
    /// <summary>Reads a script file, as PowerShell reads it when the file is run.</summary>
    /// <param name="path">Its path, which may contain wildcards that match one file.</param>
    /// <param name="cmdlet">The command.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>; <see cref="IpcErrors.InvalidArgument"/>: it is not one file, not a
    /// .ps1 file, or its text is not a script.</exception>
    public static ScriptBlock ReadScript(string path, PSCmdlet cmdlet)
    {
        try
        {
            if (cmdlet.GetResolvedProviderPathFromPSPath(path, out var provider) is not [var file] || provider.Name != "FileSystem")
                throw IpcException.Argument($"'{path}' is not one script file.", path);
            if (cmdlet.InvokeCommand.GetCommand(file, CommandTypes.ExternalScript) is not ExternalScriptInfo script)
                throw IpcException.Argument($"'{path}' is not a script file: its name does not end with .ps1.", path);
            return script.ScriptBlock;
        }
        catch (SessionStateException e)
        {
            throw new IpcException(IpcErrors.NotFound, $"There is no script file '{path}'.", path, inner: e);
        }
        catch (ParseException e)
        {
            throw IpcException.Argument($"'{path}' is not a valid script. {e.Message}", path);
        }
    }

    /// <summary>Finds a folder. Wildcards stand for themselves.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>.</exception>
    public static string FindFolder(string path, PSCmdlet cmdlet)
    {
        SessionStateException? inner = null;
        try
        {
            var found = cmdlet.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
            if (provider.Name == "FileSystem" && Directory.Exists(found)) return found;
        }
        catch (SessionStateException e)
        {
            inner = e;
        }
        throw new IpcException(IpcErrors.NotFound, $"There is no folder '{path}' that a job could start in.", path, inner: inner);
    }
}
