using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Jobs.Relays;
using IpcPs.Module.Transformation;
using IpcPs.Relays;

namespace IpcPs.Module.Commands.Relays;

/// <summary><c>Join-IpcChannel</c>: moves what arrives on one channel to another one, until one of them ends.</summary>
[Cmdlet(VerbsCommon.Join, "IpcChannel", DefaultParameterSetName = RelaySet)]
[OutputType(typeof(IpcRelayResult), ParameterSetName = [RelaySet])]
[OutputType(typeof(IpcRelayJob), ParameterSetName = [JobSet])]
public sealed class JoinIpcChannelCommand : IpcCmdlet
{
    private const string RelaySet = "Relay";
    private const string JobSet = "AsJob";

    private IpcRelay? _relay;

    /// <summary>The channel to receive from, its address, or an IpcJob.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget From { get; set; } = null!;

    /// <summary>The channel to send to, its address, or an IpcJob.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget To { get; set; } = null!;

    /// <summary>Relays in both directions.</summary>
    [Parameter]
    public SwitchParameter Duplex { get; set; }

    /// <summary>The format of the messages on the side of -From.</summary>
    [Parameter]
    public IpcFormat FromFormat { get; set; }

    /// <summary>The format of the messages on the side of -To.</summary>
    [Parameter]
    public IpcFormat ToFormat { get; set; }

    /// <summary>What ends a text on the side of -From.</summary>
    [Parameter]
    public IpcDelimiter FromDelimiter { get; set; }

    /// <summary>What ends a text on the side of -To.</summary>
    [Parameter]
    public IpcDelimiter ToDelimiter { get; set; }

    /// <summary>After how many messages it ends.</summary>
    [Parameter]
    public long? Count { get; set; }

    /// <summary>How long nothing may pass: seconds, or a TimeSpan.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>Runs it as a job.</summary>
    [Parameter(Mandatory = true, ParameterSetName = JobSet)]
    public SwitchParameter AsJob { get; set; }

    /// <summary>The name of the job.</summary>
    [Parameter(ParameterSetName = JobSet)]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        if (AsJob) StartJob();
        else Run();
    });

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _relay?.Dispose();
        base.Dispose(disposing);
    }

    private void StartJob()
    {
        var job = new IpcRelayJob(MyInvocation.Line.Trim(), Name, job => Create(job.OnEnded, job.OnFailed));
        try
        {
            job.Start();
        }
        catch
        {
            job.Dispose();
            throw;
        }
        JobRepository.Add(job);
        WriteObject(job);
    }

    private void Run()
    {
        using var relay = _relay = Create(null, null);
        var progress = new RelayProgress(relay, MyInvocation.MyCommand.Name);
        relay.Start();
        while (!relay.HasEnded)
        {
            relay.WaitForNews(new(Deadline.After(RelayProgress.Interval), StopToken));
            WriteFailures(relay);
            if (progress.Next() is { } record) WriteProgress(record);
        }
        WriteFailures(relay);
        if (progress.Last() is { } last) WriteProgress(last);
        var result = relay.Result;
        if (relay.IsOpen) WriteObject(result);
        // What came before the error was written first.
        if (result.EndedBy is RelayEnd.Failed or RelayEnd.Timeout) throw relay.Error!;
    }

    private void WriteFailures(IpcRelay relay)
    {
        while (relay.TryTakeFailure(out var failure)) WriteError(ErrorRecords.ToRecord(failure!));
    }

    private IpcRelay Create(Action? ended, Action<IpcException>? failed)
    {
        var (from, to, duplex) = (From, To, Duplex.IsPresent);
        var options = new RelayOptions
        {
            Duplex = duplex,
            From = new(FromFormat, FromDelimiter),
            To = new(ToFormat, ToDelimiter),
            Count = Count,
            IdleTimeout = Timeout?.Value == System.Threading.Timeout.InfiniteTimeSpan ? null : Timeout?.Value,
            Exact = Count is not null && From.Object is null,
            Conversion = RelayConversions.To,
        };
        return new IpcRelay(from.Address, Opener(from, duplex ? IpcAccess.ReadWrite : IpcAccess.Read),
            to.Address, Opener(to, duplex ? IpcAccess.ReadWrite : IpcAccess.Write), options)
        {
            Ended = ended is null ? null : _ => ended(),
            OneFailed = failed,
        };
    }

    private static RelayOpener Opener(IpcTarget target, IpcAccess access) => (in WaitOptions wait, out bool isOwned) =>
    {
        var lease = target.Lease<IpcChannel>(access, wait);
        isOwned = lease.IsOwned;
        return lease.Object;
    };
}
