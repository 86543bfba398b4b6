using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Files;
using IpcPs.Module.Transformation;
using IpcPs.Tracing;

namespace IpcPs.Module.Commands.Tracing;

/// <summary><c>Trace-IpcChannel</c>: shows the messages that pass on a channel, without taking them away from their receiver.</summary>
[Cmdlet(VerbsDiagnostic.Trace, "IpcChannel", SupportsShouldProcess = true)]
[OutputType(typeof(IpcTraceRecord))]
public sealed class TraceIpcChannelCommand : IpcCmdlet
{
    private FileStream? _file;

    /// <summary>The channel, its address, or the job of a relay.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Channel { get; set; } = null!;

    /// <summary>A file that gets a line of JSON for each message, in place of the output.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>After how many messages it ends.</summary>
    [Parameter]
    public long? Count { get; set; }

    /// <summary>How long to wait for each message: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>How the bytes are shown.</summary>
    [Parameter]
    public IpcFormat Format { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (Count < 1) throw IpcException.Argument($"-Count must be 1 or more, and is {Count}.");
        // Only a file is changed, never the channel.
        if (Path is not null && !ShouldProcess(Path, "Append a line for each message")) return;
        using var trace = IpcTrace.Open(Channel.Address, Channel.Object, Format, WaitFrom(Timeout));
        try
        {
            WriteVerbose(trace.Means is { } means ? $"Tracing '{trace.Address}' {means}." : $"Tracing '{trace.Address}'.");
            for (var left = Count ?? long.MaxValue; left > 0 && trace.Read(WaitFrom(Timeout)) is { } record; left--) Write(record);
        }
        finally
        {
            // The kernel counts until then.
            trace.Dispose();
            if (trace.Lost > 0 && !StopToken.IsCancellationRequested)
                WriteWarning($"The trace of '{trace.Address}' was too slow {trace.Lost} times, and did not see what passed then.");
        }
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _file?.Dispose();
        base.Dispose(disposing);
    }

    private void Write(IpcTraceRecord record)
    {
        if (Path is null)
        {
            WriteObject(record);
            return;
        }
        // Opened with the first message, so that a trace that is refused changes no file.
        _file ??= OpenFile(GetUnresolvedProviderPathFromPSPath(Path));
        _file.Write(record.ToJsonLine());
        // Another program may follow the file.
        _file.Flush();
    }

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IpcException(FilePaths.IdOf(e),
                $"The file '{path}' can't be written: {e.Message}", path, "Name a file that this user may write.", e);
        }
    }
}
