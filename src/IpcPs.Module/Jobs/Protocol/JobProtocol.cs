using System.Collections;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Mechanisms;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>What a child is told to do, as it travels.</summary>
internal sealed class StartMessage
{
    /// <summary>The script's text.</summary>
    public required string Script { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<object?> Arguments { get; init; } = [];

    /// <summary>The values of its <c>$using:</c> expressions, by PowerShell's key for each.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>The manifest of the module to import.</summary>
    public required string Manifest { get; init; }

    /// <summary>Where to start.</summary>
    public string? Location { get; init; }

    /// <summary>The kind of link that its input comes by; null where nothing is piped to it.</summary>
    public string? InputKind { get; init; }

    /// <summary>The link's ticket.</summary>
    public string InputTicket { get; init; } = "";

    /// <summary>The numbers of the link's descriptors.</summary>
    public IReadOnlyList<int> InputDescriptors { get; init; } = [];

    /// <summary>What was handed over: for each object the numbers of its descriptors, or its address.</summary>
    public IReadOnlyList<object> Handles { get; init; } = [];

    /// <summary>Reads an order.</summary>
    public static StartMessage From(object? content)
    {
        if (Unwrap(content) is not IDictionary bag) throw new IpcException(IpcErrors.InvalidData, "What came first from the parent is no order.");
        return new StartMessage
        {
            Script = (string)bag[nameof(Script)]!,
            Arguments = List(bag[nameof(Arguments)]),
            Using = Unwrap(bag[nameof(Using)]) as IDictionary ?? new Hashtable(),
            Manifest = (string)bag[nameof(Manifest)]!,
            Location = (string?)bag[nameof(Location)],
            InputKind = (string?)bag[nameof(InputKind)],
            InputTicket = (string)bag[nameof(InputTicket)]!,
            InputDescriptors = Numbers(bag[nameof(InputDescriptors)]),
            Handles = [.. List(bag[nameof(Handles)]).Select(static h => h!)],
        };
    }

    /// <summary>The order as it is sent.</summary>
    public Hashtable ToBag() => new()
    {
        [nameof(Script)] = Script,
        [nameof(Arguments)] = Arguments.ToArray(),
        [nameof(Using)] = Using,
        [nameof(Manifest)] = Manifest,
        [nameof(Location)] = Location,
        [nameof(InputKind)] = InputKind,
        [nameof(InputTicket)] = InputTicket,
        [nameof(InputDescriptors)] = InputDescriptors.ToArray(),
        [nameof(Handles)] = Handles.ToArray(),
    };

    /// <summary>The input, opened; null where nothing was piped.</summary>
    /// <param name="stopping">Ends its waits.</param>
    public JobTransportReader? OpenInput(CancellationToken stopping) =>
        InputKind is null ? null : IpcMechanisms.Link(InputKind).OpenReader(InputTicket, InputDescriptors, stopping);

    /// <summary>The handed-over objects, opened.</summary>
    public object[] OpenHandles() => [.. Handles.Select(static h => Unwrap(h) is string address
        ? IpcMechanisms.Open(IpcAddress.Parse(address))
        : InheritedObjects.Open(Numbers(h)))];

    private static object? Unwrap(object? value) => value is System.Management.Automation.PSObject wrapped ? wrapped.BaseObject : value;

    private static IReadOnlyList<object?> List(object? value) => Unwrap(value) is IList list ? [.. list.Cast<object?>()] : [];

    private static int[] Numbers(object? value) => [.. List(value).Select(static n => Convert.ToInt32(Unwrap(n), System.Globalization.CultureInfo.InvariantCulture))];
}

/// <summary>What a message between a job and its child is: the lane that it travels in. All of PowerShell's streams share one pipe, so that they arrive in
/// the order in which the script wrote them.</summary>
internal enum JobStreamId : byte
{
    // From the child.
    Output = 1,
    Error,
    Warning,
    Verbose,
    Debug,
    Information,
    Progress,

    /// <summary>From the child: the link is open and nothing more of the output comes this way; or, with a text, why it could not be opened.</summary>
    Redirected,

    /// <summary>From the child, last of all: a <see cref="FinishedMessage"/>.</summary>
    Finished,

    /// <summary>To the child, first of all: a <see cref="StartMessage"/>.</summary>
    Order,

    /// <summary>To the child: your output goes to that <see cref="RedirectMessage"/> from now on. It opens it, answers <see cref="Redirected"/> and waits.</summary>
    Redirect,

    /// <summary>To the child: what you had sent before was handed on; go on writing.</summary>
    Proceed,

    /// <summary>To the child: nobody reads your output any more; stop.</summary>
    ReaderGone,

    /// <summary>To the child: nobody writes to your input any more; what so many writers have sent is all.</summary>
    InputEnded,
}

/// <summary>How messages of the protocol are sent.</summary>
internal static class JobStreamIds
{
    /// <summary>The options of a message of that stream.</summary>
    public static SendOptions SendOptions(this JobStreamId id) => new() { Format = IpcFormat.Object, StreamId = (byte)id };
}

/// <summary>The numbers that a job's pipes have in the child.</summary>
internal static class JobDescriptors
{
    /// <summary>Standard output: whatever writes past PowerShell's streams.</summary>
    public const int StandardOutput = 1;

    /// <summary>Standard error.</summary>
    public const int StandardError = 2;

    /// <summary>Notices from the parent. Its end is the parent's end.</summary>
    public const int Control = 3;

    /// <summary>All streams, and notices to the parent.</summary>
    public const int Records = 4;

    /// <summary><c>$IpcParent</c>, reading.</summary>
    public const int ParentReader = 5;

    /// <summary><c>$IpcParent</c>, writing.</summary>
    public const int ParentWriter = 6;

    /// <summary>The first of the input's (where something is piped to the job) and of -Handle's.</summary>
    public const int FirstFree = 7;
}

/// <summary>Where a child's output goes from now on.</summary>
/// <param name="Kind">The kind of the link.</param>
/// <param name="Ticket">What it is opened by.</param>
internal sealed record RedirectMessage(string Kind, string Ticket)
{
    /// <summary>Reads a redirection.</summary>
    public static RedirectMessage From(object? content) => (content is PSObject wrapped ? wrapped.BaseObject : content) is IDictionary bag
        ? new RedirectMessage((string)bag[nameof(Kind)]!, (string)bag[nameof(Ticket)]!)
        : throw new IpcException(IpcErrors.InvalidData, "A job's redirection cannot be read.");

    /// <summary>The redirection as it is sent.</summary>
    public Hashtable ToBag() => new() { [nameof(Kind)] = Kind, [nameof(Ticket)] = Ticket };

    /// <summary>Opens the link.</summary>
    public IpcChannel OpenWriter(CancellationToken cancellation) => IpcMechanisms.Link(Kind).OpenWriter(Ticket, cancellation);

    /// <summary>Closes what <see cref="OpenWriter"/> opened.</summary>
    public void CloseWriter(IpcChannel writer) => IpcMechanisms.Link(Kind).CloseWriter(writer);
}

/// <summary>What a child says of the end of its script.</summary>
/// <param name="State">Completed, Failed or Stopped.</param>
/// <param name="ExitCode">The exit code that its process will have.</param>
internal sealed record FinishedMessage(JobState State, int ExitCode)
{
    /// <summary>Reads a report.</summary>
    public static FinishedMessage From(object? content)
    {
        if ((content is PSObject wrapped ? wrapped.BaseObject : content) is not IDictionary bag || !Enum.TryParse<JobState>(bag[nameof(State)]?.ToString(), out var state))
            throw new IpcException(IpcErrors.InvalidData, "A job's report cannot be read.");
        return new FinishedMessage(state, Convert.ToInt32(bag[nameof(ExitCode)], CultureInfo.InvariantCulture));
    }

    /// <summary>The report as it is sent.</summary>
    public Hashtable ToBag() => new() { [nameof(State)] = State.ToString(), [nameof(ExitCode)] = ExitCode };
}

/// <summary>How a child's work ended.</summary>
/// <param name="State">Completed, Failed or Stopped.</param>
/// <param name="ExitCode">The child's exit code.</param>
/// <param name="Error">The error that ended the script, where one did.</param>
/// <param name="IsReported">Whether the child said so itself; otherwise its process just ended.</param>
/// <param name="What">Else, what happened to the process: "was killed by signal KILL before its script ended."</param>
internal sealed record JobEnd(JobState State, int ExitCode, ErrorRecord? Error, bool IsReported, string What);
