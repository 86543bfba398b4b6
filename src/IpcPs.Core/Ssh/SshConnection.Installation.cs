using System.Security.Cryptography;
using IpcPs.Pipes;
using IpcPs.Processes;

namespace IpcPs.Ssh;

/// <content>What the host needs: PowerShell, and a copy of the module.</content>
public sealed partial class SshConnection
{
    private void CheckPowerShell(string said)
    {
        if (FarPowerShell.Length == 0)
        {
            throw new IpcException(IpcErrors.PowerShellNotFound, $"There is no pwsh on '{Target}'.", Target.HostName,
                $"Install PowerShell 7.4 or later there. 'ssh {Target} command -v pwsh' must find it: a login that runs a command may have "
                + "another PATH.");
        }
        var words = said.Split(' ', '-');
        if (words is not ["PowerShell", var text, ..] || !Version.TryParse(text, out var version))
        {
            throw new IpcException(IpcErrors.PowerShellNotFound,
                $"'{FarPowerShell}' on '{Target}' does not say its version. It says: {said}", Target.HostName,
                "Correct that installation.");
        }
        if (version >= new Version(7, 4)) return;
        throw new IpcException(IpcErrors.PowerShellTooOld, $"PowerShell on '{Target}' is version {text}. A job needs 7.4 or later.",
            Target.HostName, $"Update '{FarPowerShell}' there.");
    }

    private void Install(ModuleArchive module, in WaitOptions wait)
    {
        using var input = AnonymousPipe.Create();
        using var output = AnonymousPipe.Create();
        using var error = AnonymousPipe.Create();
        var child = StartSession(FarScripts.InstallCommand(FarModule, RandomNumberGenerator.GetHexString(8, lowercase: true)),
            Inherited(input.Reader, output.Writer, error.Writer));
        input.Reader.Dispose();
        output.Writer.Dispose();
        error.Writer.Dispose();
        var said = new List<string>();
        try
        {
            var archive = module.Content;
            var sender = BackgroundThread.Start("IpcPs sends the module", () =>
            {
                try
                {
                    input.Writer.Send(archive, Raw, default);
                }
                catch (IpcException)
                {
                    // The other side says why.
                }
                input.Writer.Dispose();
            });
            if (!ChildText.ReadUntilExit(child, output.Reader, error.Reader, said.Add, said.Add, wait))
            {
                wait.Cancellation.ThrowIfCancellationRequested();
                throw IpcException.TimedOut($"the copy of the module on '{Target}'", Target.HostName, wait.Deadline);
            }
            child.WaitForExit();
            sender.Join();
            if (child.Exit is not { IsSuccess: true })
            {
                throw new IpcException(IpcErrors.ModuleNotCopied,
                    $"IpcPs could not be copied to '{Target}' ({FarModule}).{SshErrors.Words(said)}", Target.HostName,
                    $"'ssh {Target}' must be able to write there, with tar and sha256sum.");
            }
        }
        finally
        {
            if (child.Exit is null) child.SignalGroup(Libc.SIGKILL);
            child.Dispose();
        }
    }
}
