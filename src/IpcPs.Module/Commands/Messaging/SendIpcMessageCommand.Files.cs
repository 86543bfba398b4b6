using System.Management.Automation;
using IpcPs.Module.Files;

namespace IpcPs.Module.Commands.Messaging;

/// <content>Files, in parts.</content>
public sealed partial class SendIpcMessageCommand
{
    // Of a byte stream: what a pipe holds.
    private const int LargestPart = 64 * 1024;

    /// <summary>The files whose bytes are sent, with wildcards.</summary>
    [Parameter(Mandatory = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    public string[]? Path { get; set; }

    /// <summary>The files whose bytes are sent. Wildcards stand for themselves.</summary>
    [Parameter(Mandatory = true, ParameterSetName = LiteralPathSet)]
    [Alias("PSPath", "LP")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = null!;

    private bool SendsFiles => ParameterSetName is PathSet or LiteralPathSet;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (!SendsFiles)
        {
            base.ProcessRecord();
            return;
        }
        // All are found before the first one is sent.
        var files = Require(() => FilePaths.Find(Path ?? LiteralPath, wildcards: Path is not null, this));
        foreach (var file in files) SendFile(file);
    }

    private IpcFormat FileFormat() => !MyInvocation.BoundParameters.ContainsKey(nameof(Format)) || Format == IpcFormat.Bytes
        ? IpcFormat.Bytes
        : throw IpcException.Argument($"The bytes of a file are sent as they are. -Format {Format} is for objects.");

    /// <summary>Sends the bytes of a file. A failure ends the command: what follows a part that is missing is of no use.</summary>
    private void SendFile(string path) => Require(() =>
    {
        var channel = Lease!.Object;
        using var file = FilePaths.OpenToRead(path);
        var part = new byte[(int)Math.Min(LargestPart, channel.MaxMessageSize)];
        int read;
        while ((read = FilePaths.Read(file, part)) > 0)
        {
            StopToken.ThrowIfCancellationRequested();
            var bytes = part.AsSpan(0, read);
            if (channel.ConfirmsLater)
            {
                SendConfirmed(bytes, path);
                continue;
            }
            channel.Send(bytes, _options, WaitFrom(Timeout, NoWait));
            Count(read);
        }
    });
}
