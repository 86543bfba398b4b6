using System.Collections;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Mechanisms;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The descriptor numbers of a job's pipes in the child.</summary>
internal static class JobDescriptors
{
    /// <summary>Standard output: text that does not go through PowerShell's streams.</summary>
    public const int StandardOutput = 1;

    /// <summary>Standard error.</summary>
    public const int StandardError = 2;

    /// <summary>Control messages from the parent. The end of this stream is the end of the parent.</summary>
    public const int Control = 3;

    /// <summary>The records of all streams, and messages to the parent.</summary>
    public const int Records = 4;

    /// <summary>The reading side of <c>$IpcParent</c>.</summary>
    public const int ParentReader = 5;

    /// <summary>The writing side of <c>$IpcParent</c>.</summary>
    public const int ParentWriter = 6;

    /// <summary>A socket through which the descriptors of the start message come: the input's transport, and the objects of -Handle. They
    /// can't be inherited, because the child may have started before its job was known.</summary>
    public const int Passed = 7;
}

/// <summary>The stream id of a message from a child to its job, which says what the message is. All of PowerShell's streams share one
/// pipe, so that records arrive in the order in which the script wrote them. At most 15: an envelope has four bits for it.</summary>
internal enum JobStreamId : byte
{
    Output = 1,
    Error,
    Warning,
    Verbose,
    Debug,
    Information,
    Progress,

    /// <summary>The child has opened the next job's transport, and no more output comes to the parent. With a text: why it could not open
    /// it.</summary>
    Redirected,

    /// <summary>The last message: a <see cref="FinishedMessage"/>.</summary>
    Finished,

    /// <summary>From a worker: its script asks for the next item, so it has finished the one before. The content is null, or the error
    /// that ended the script block for that item.</summary>
    NextItem,

    /// <summary>From a worker: the last items that it got will not be worked on. The content is their number.</summary>
    ItemsReturned,

    /// <summary>From the child of a pool: it has done what <see cref="JobControlId.Prepare"/> says, and waits for its job.</summary>
    Ready,

    /// <summary>An <see cref="AttachedMessage"/>.</summary>
    Attached,

    /// <summary>From a process on another host: it listens for its input.</summary>
    Listening,

    /// <summary>From a process on another host, first of all: its process id there.</summary>
    Started,
}

/// <summary>The stream id of a message from a job to its child, which says what the message is. At most 15.</summary>
internal enum JobControlId : byte
{
    /// <summary>The job: a <see cref="StartMessage"/>.</summary>
    Start = 1,

    /// <summary>A <see cref="RedirectMessage"/>. The child opens the transport, answers <see cref="JobStreamId.Redirected"/>, and waits
    /// for <see cref="Proceed"/>.</summary>
    Redirect,

    /// <summary>Its earlier output has been handed over to the next job, so it may write again.</summary>
    Proceed,

    /// <summary>The next job has ended, so stop.</summary>
    ReaderGone,

    /// <summary>All writers of its input have ended. The content is their number. To a worker: no item comes any more.</summary>
    InputEnded,

    /// <summary>To a worker: an item of the input. The content is the item.</summary>
    Item,

    /// <summary>To a worker: return the items that the script has not asked for yet. It answers
    /// <see cref="JobStreamId.ItemsReturned"/>.</summary>
    TakeBack,

    /// <summary>To the child of a pool, before <see cref="Start"/>: a <see cref="PrepareMessage"/>. It answers
    /// <see cref="JobStreamId.Ready"/>.</summary>
    Prepare,

    /// <summary>An <see cref="AttachMessage"/>. The child answers with an <see cref="AttachedMessage"/>.</summary>
    Attach,

    /// <summary>To a process on another host, first of all: a <see cref="ConnectMessage"/>.</summary>
    Connect,
}

/// <summary>What a process on another host connects to: Unix sockets that ssh forwards. Each is a connection string of the transport
/// Unix.</summary>
/// <param name="Folder">The private folder of the connection.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Parent">Its <c>$IpcParent</c>.</param>
/// <param name="Alive">What a byte a second comes through while its parent lives and the connection works.</param>
internal sealed record ConnectMessage(string Folder, string Output, string Parent, string Alive)
{
    /// <summary>Reads the message.</summary>
    public static ConnectMessage From(object? content)
    {
        var bag = JobMessage.From(content, "first");
        return new ConnectMessage(
            (string)bag[nameof(Folder)]!, (string)bag[nameof(Output)]!, (string)bag[nameof(Parent)]!, (string)bag[nameof(Alive)]!);
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new()
    {
        [nameof(Folder)] = Folder,
        [nameof(Output)] = Output,
        [nameof(Parent)] = Parent,
        [nameof(Alive)] = Alive,
    };
}

/// <summary>What a pool's child does before its job comes.</summary>
internal sealed class PrepareMessage
{
    /// <summary>The pool's initialization script; null for none.</summary>
    public string? Script { get; init; }

    /// <summary>The values of its <c>$using:</c> expressions, by PowerShell's key for each.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>The folder to run it in.</summary>
    public string? Location { get; init; }

    /// <summary>Reads the message.</summary>
    public static PrepareMessage From(object? content)
    {
        var bag = JobMessage.From(content, "preparation");
        return new PrepareMessage
        {
            Script = (string?)bag[nameof(Script)],
            Using = JobMessage.Unwrap(bag[nameof(Using)]) as IDictionary ?? new Hashtable(),
            Location = (string?)bag[nameof(Location)],
        };
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new() { [nameof(Script)] = Script, [nameof(Using)] = Using, [nameof(Location)] = Location };
}

/// <summary>The message to a child that has its job: the script, and everything that it needs.</summary>
internal sealed class StartMessage
{
    /// <summary>What the child has to do first, if the job has a pool but the child does not come from it; null otherwise.</summary>
    public PrepareMessage? Preparation { get; init; }

    /// <summary>The script's text.</summary>
    public required string Script { get; init; }

    /// <summary>The script of -InitializationScript, which runs first; null for none.</summary>
    public string? Initialization { get; init; }

    /// <summary>The script's arguments.</summary>
    public IReadOnlyList<object?> Arguments { get; init; } = [];

    /// <summary>The values of the scripts' <c>$using:</c> expressions, by PowerShell's key for each.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>The folder to start in.</summary>
    public string? Location { get; init; }

    /// <summary>The environment variables to set, for a child that could not get them at its start; a null removes one.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();

    /// <summary>The name of the input's transport; null if the job has no input. A worker gets it too, though it
    /// does not read it itself.</summary>
    public string? InputTransport { get; init; }

    /// <summary>The connection string of the input's transport.</summary>
    public string InputConnectionString { get; init; } = "";

    /// <summary>How many descriptors come through <see cref="JobDescriptors.Passed"/>.</summary>
    public int Descriptors { get; init; }

    /// <summary>How many of them, from the first one on, are the input's transport.</summary>
    public int InputDescriptors { get; init; }

    /// <summary>The objects of -Handle: for each the indexes of its descriptors among those that come, or its address.</summary>
    public IReadOnlyList<object> Handles { get; init; } = [];

    /// <summary>The worker's number, from 1; 0 if the process is no worker.</summary>
    public int Worker { get; init; }

    /// <summary>Reads the message.</summary>
    public static StartMessage From(object? content)
    {
        var bag = JobMessage.From(content, "start");
        return new StartMessage
        {
            Preparation = bag[nameof(Preparation)] is { } preparation ? PrepareMessage.From(preparation) : null,
            Script = (string)bag[nameof(Script)]!,
            Initialization = (string?)bag[nameof(Initialization)],
            Arguments = List(bag[nameof(Arguments)]),
            Using = JobMessage.Unwrap(bag[nameof(Using)]) as IDictionary ?? new Hashtable(),
            Location = (string?)bag[nameof(Location)],
            Environment = JobEnvironment.Of(JobMessage.Unwrap(bag[nameof(Environment)]) as IDictionary),
            InputTransport = (string?)bag[nameof(InputTransport)],
            InputConnectionString = (string)bag[nameof(InputConnectionString)]!,
            Descriptors = Convert.ToInt32(bag[nameof(Descriptors)], CultureInfo.InvariantCulture),
            InputDescriptors = Convert.ToInt32(bag[nameof(InputDescriptors)], CultureInfo.InvariantCulture),
            Handles = [.. List(bag[nameof(Handles)]).Select(static h => h!)],
            Worker = Convert.ToInt32(bag[nameof(Worker)], CultureInfo.InvariantCulture),
        };
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new()
    {
        [nameof(Preparation)] = Preparation?.ToBag(),
        [nameof(Script)] = Script,
        [nameof(Initialization)] = Initialization,
        [nameof(Arguments)] = Arguments.ToArray(),
        [nameof(Using)] = Using,
        [nameof(Location)] = Location,
        [nameof(Environment)] = Environment.ToDictionary(),
        [nameof(InputTransport)] = InputTransport,
        [nameof(InputConnectionString)] = InputConnectionString,
        [nameof(Descriptors)] = Descriptors,
        [nameof(InputDescriptors)] = InputDescriptors,
        [nameof(Handles)] = Handles.ToArray(),
        [nameof(Worker)] = Worker,
    };

    /// <summary>Opens the input; null if the job has none.</summary>
    /// <param name="passed">The numbers of the descriptors that came.</param>
    /// <param name="stopping">Ends its waits.</param>
    public JobTransportReader? OpenInput(int[] passed, CancellationToken stopping) => InputTransport is null ? null
        : IpcMechanisms.Transport(InputTransport).OpenReader(InputConnectionString, passed[..InputDescriptors], stopping);

    /// <summary>The parent has ended, and can't release the input.</summary>
    public void OnParentEnded()
    {
        if (InputTransport is not null) IpcMechanisms.Transport(InputTransport).OnParentEnded(InputConnectionString);
    }

    /// <summary>Opens the objects of -Handle.</summary>
    /// <param name="passed">The numbers of the descriptors that came.</param>
    public object[] OpenHandles(int[] passed) => [.. Handles.Select(h => JobMessage.Unwrap(h) is string address
        ? IpcMechanisms.Open(IpcAddress.Parse(address))
        : InheritedObjects.Open([.. Numbers(h).Select(index => passed[index])]))];

    private static IReadOnlyList<object?> List(object? value) => JobMessage.Unwrap(value) is IList list ? [.. list.Cast<object?>()] : [];

    private static int[] Numbers(object? value) =>
        [.. List(value).Select(static n => Convert.ToInt32(JobMessage.Unwrap(n), CultureInfo.InvariantCulture))];
}

/// <summary>Where a child's output goes from now on.</summary>
/// <param name="Transport">The name of the transport.</param>
/// <param name="ConnectionString">The writer's connection string.</param>
internal sealed record RedirectMessage(string Transport, string ConnectionString)
{
    /// <summary>Reads the message.</summary>
    public static RedirectMessage From(object? content)
    {
        var bag = JobMessage.From(content, "redirection");
        return new RedirectMessage((string)bag[nameof(Transport)]!, (string)bag[nameof(ConnectionString)]!);
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new() { [nameof(Transport)] = Transport, [nameof(ConnectionString)] = ConnectionString };

    /// <summary>Opens the writing end of the transport.</summary>
    public IpcChannel OpenWriter(CancellationToken cancellation) =>
        IpcMechanisms.Transport(Transport).OpenWriter(ConnectionString, cancellation);

    /// <summary>Whether secrets may be sent on it.</summary>
    public bool IsPrivate => IpcMechanisms.Transport(Transport).IsPrivate;

    /// <summary>The parent has ended, and can't release the transport.</summary>
    public void OnParentEnded() => IpcMechanisms.Transport(Transport).OnParentEnded(ConnectionString);

    /// <summary>Closes a channel from <see cref="OpenWriter"/>.</summary>
    public void CloseWriter(IpcChannel writer) => IpcMechanisms.Transport(Transport).CloseWriter(writer);
}

/// <summary>To the process that reads a job's input: read a broadcast too.</summary>
/// <param name="Broadcast">The broadcast.</param>
/// <param name="Input">The job's input, into which its objects go.</param>
internal sealed record AttachMessage(RedirectMessage Broadcast, RedirectMessage Input)
{
    /// <summary>Reads the message.</summary>
    public static AttachMessage From(object? content)
    {
        var bag = JobMessage.From(content, "attach");
        return new AttachMessage(RedirectMessage.From(bag[nameof(Broadcast)]), RedirectMessage.From(bag[nameof(Input)]));
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new() { [nameof(Broadcast)] = Broadcast.ToBag(), [nameof(Input)] = Input.ToBag() };
}

/// <summary>The answer to an <see cref="AttachMessage"/>: the broadcast's next object reaches the job. Or, also later, why none
/// does.</summary>
/// <param name="Broadcast">The connection string of the broadcast.</param>
/// <param name="Error">What went wrong; null if nothing did.</param>
internal sealed record AttachedMessage(string Broadcast, string? Error)
{
    /// <summary>Reads the message.</summary>
    public static AttachedMessage From(object? content)
    {
        var bag = JobMessage.From(content, "answer");
        return new AttachedMessage((string)bag[nameof(Broadcast)]!, (string?)bag[nameof(Error)]);
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new() { [nameof(Broadcast)] = Broadcast, [nameof(Error)] = Error };
}

/// <summary>A child's last message: how its script ended.</summary>
/// <param name="State">Completed, Failed or Stopped.</param>
/// <param name="ExitCode">The exit code that the process will have.</param>
/// <param name="HasError">Whether the last error record says why the script failed. It does not after <c>exit 3</c>.</param>
internal sealed record FinishedMessage(JobState State, int ExitCode, bool HasError)
{
    /// <summary>Reads the message.</summary>
    public static FinishedMessage From(object? content)
    {
        var bag = JobMessage.From(content, "final");
        if (!Enum.TryParse<JobState>(bag[nameof(State)]?.ToString(), out var state)) throw JobMessage.Malformed("final");
        var exitCode = Convert.ToInt32(bag[nameof(ExitCode)], CultureInfo.InvariantCulture);
        return new FinishedMessage(state, exitCode, bag[nameof(HasError)] is true);
    }

    /// <summary>The content of the message.</summary>
    public Hashtable ToBag() => new() { [nameof(State)] = State.ToString(), [nameof(ExitCode)] = ExitCode, [nameof(HasError)] = HasError };
}

/// <summary>How a child ended, as its parent sees it.</summary>
/// <param name="State">Completed, Failed or Stopped.</param>
/// <param name="ExitCode">The child's exit code.</param>
/// <param name="Error">The error that ended the script, if there is one.</param>
/// <param name="IsReported">Whether the child sent a <see cref="FinishedMessage"/>. Otherwise its process ended before it could.</param>
/// <param name="What">What happened, for a failure without an error: "was killed by signal KILL before its script ended."</param>
/// <param name="Id">The id of a failure without an error; by default <see cref="IpcErrors.JobFailed"/>.</param>
internal sealed record JobEnd(JobState State, int ExitCode, ErrorRecord? Error, bool IsReported, string What, IpcErrorId? Id = null)
{
    /// <summary>A failure that the parent has found.</summary>
    public static JobEnd Failed(string what, IpcErrorId? id = null) => new(JobState.Failed, 1, null, true, what, id);
}

/// <summary>What the messages have in common: how they are sent, and that their content is a dictionary.</summary>
internal static class JobMessage
{
    /// <summary>The options that send a message of that stream.</summary>
    public static SendOptions SendOptions(this JobStreamId id) => new() { Format = IpcFormat.Object, StreamId = (byte)id };

    /// <inheritdoc cref="SendOptions(JobStreamId)"/>
    public static SendOptions SendOptions(this JobControlId id) => new() { Format = IpcFormat.Object, StreamId = (byte)id };

    public static object? Unwrap(object? value) => value is PSObject wrapped ? wrapped.BaseObject : value;

    public static IDictionary From(object? content, string which) => Unwrap(content) as IDictionary ?? throw Malformed(which);

    public static IpcException Malformed(string which) => new(IpcErrors.InvalidData, $"The job's {which} message is malformed.");
}
