using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;
using IpcPs.Signals;

namespace IpcPs.Module.Commands.Signals;

/// <summary><c>Get-IpcSignal</c>: lists the signals of this machine, or what a process does with them.</summary>
[Cmdlet(VerbsCommon.Get, "IpcSignal", DefaultParameterSetName = TableSet)]
[OutputType(typeof(SignalDescription), ParameterSetName = [TableSet])]
[OutputType(typeof(ProcessSignals), ParameterSetName = [ProcessSet])]
public sealed class GetIpcSignalCommand : IpcCmdlet
{
    private const string TableSet = "Table";
    private const string ProcessSet = "Process";

    /// <summary>Names with or without SIG, wildcards allowed, or numbers.</summary>
    [Parameter(Position = 0, ParameterSetName = TableSet)]
    [ArgumentCompleter(typeof(SignalCompleter))]
    [SupportsWildcards]
    [Alias("Signal")]
    public string[]? Name { get; set; }

    /// <summary>Processes: ids, Process objects, jobs, or names with wildcards.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ProcessSet)]
    [ProcessTransformation]
    [SupportsWildcards]
    [Alias("ProcessId")]
    public ProcessReference[] Id { get; set; } = null!;

    /// <summary>Lists each thread: every thread blocks its own signals.</summary>
    [Parameter(ParameterSetName = ProcessSet)]
    public SwitchParameter Thread { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == ProcessSet)
        {
            foreach (var process in Id) Try(() => WriteProcess(process), process.ToString());
            return;
        }
        if (Name is null) WriteObject(SignalTable.All, enumerateCollection: true);
        foreach (var name in Name ?? []) Try(() => WriteNamed(name), name);
    }

    private void WriteProcess(ProcessReference reference)
    {
        foreach (var id in reference.Resolve())
        {
            if (Thread) WriteObject(ProcessSignals.ReadThreads(id), enumerateCollection: true);
            else WriteObject(ProcessSignals.Read(id));
        }
    }

    private void WriteNamed(string name)
    {
        if (!WildcardPattern.ContainsWildcardCharacters(name))
        {
            WriteObject(SignalTable.Describe(Signal.Parse(name)));
            return;
        }
        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase | WildcardOptions.CultureInvariant);
        var matching = SignalTable.All.Where(s =>
            s.Aliases.Prepend(s.Name).Any(n => pattern.IsMatch(n) || pattern.IsMatch("SIG" + n))
            || pattern.IsMatch(s.Number.ToString(CultureInfo.InvariantCulture)));
        WriteObject(matching, enumerateCollection: true);
    }
}
