using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>One process of a <see cref="WorkerGroup"/>, whose lock guards what is not said to be for any thread.</summary>
internal sealed class Worker : IDisposable
{
    /// <summary>How many items a worker has at most, the one that it works on included.</summary>
    public const int MaxInFlight = 64;

    /// <summary>The work that a worker has in store.</summary>
    private const double SecondsInStore = 0.002;

    /// <summary>From here on, an item is too long to let another one wait behind it.</summary>
    private const double LongItem = 0.05;

    private readonly JobConnection _connection;
    private readonly ControlSender _control;
    private long _itemStarted;
    private double _secondsPerItem = LongItem;

    /// <summary>Starts the process.</summary>
    /// <exception cref="IpcException">No descriptors or processes are left, or pwsh was not found.</exception>
    public Worker(WorkerGroup group, JobStartInfo start, int number)
    {
        Number = number;
        _connection = new JobConnection(start with { Via = null, Worker = number });
        _control = new ControlSender(_connection.Control, $"{start.Name} worker {number}");
        _control.Send(JobControlId.Start, _connection.Start.ToBag());
        Receiver = new WorkerReceiver(group, this, _connection);
    }

    /// <summary>Its number, from 1.</summary>
    public int Number { get; }

    /// <summary>Its process id. For any thread.</summary>
    public int? ProcessId => _connection.Process.ProcessId;

    /// <summary>The host that it runs on; null for this machine. For any thread.</summary>
    public string? HostName => _connection.Process.HostName;

    /// <summary>Its channel. For any thread.</summary>
    public IpcChannel Channel => _connection.Channel;

    /// <summary>Receives what it sends.</summary>
    public WorkerReceiver Receiver { get; }

    /// <summary>The items that it has. It works on the first one.</summary>
    public LinkedList<WorkItem> InFlight { get; } = new();

    /// <summary>Whether its script has asked for an item.</summary>
    public bool IsReady { get; set; }

    /// <summary>How many processes of this worker have ended, one after the other, before they asked for an item.</summary>
    public int FailedStarts { get; init; }

    /// <summary>Whether it was asked to return the items that it has in store. Until it has, it gets no other.</summary>
    public bool IsGivingBack { get; set; }

    /// <summary>Whether it was notified that no item comes any more.</summary>
    public bool IsEnding { get; set; }

    /// <summary>Whether it was killed because its item took too long.</summary>
    public bool IsTooSlow { get; set; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded { get; set; }

    /// <summary>Whether it was on another host, and is to be replaced by a process that counts as one that runs already.</summary>
    public bool IsReplacedElsewhere { get; set; }

    /// <summary>How many items it may have now: some for short items, so that it never waits for the next one.</summary>
    public int Window => !IsReady ? 1
        : _secondsPerItem >= LongItem ? 1 : Math.Clamp((int)(SecondsInStore / _secondsPerItem), 2, MaxInFlight);

    /// <summary>How long it has worked on its item; null if it has none.</summary>
    public TimeSpan? Busy => IsReady && InFlight.Count > 0 ? Stopwatch.GetElapsedTime(_itemStarted) : null;

    /// <summary>Sends it an item.</summary>
    public void Send(WorkItem item)
    {
        item.Worker = Number;
        InFlight.AddLast(item);
        if (InFlight.Count == 1) BeginItem();
        _control.SendEncoded(JobControlId.Item, item.Payload);
    }

    /// <summary>It works on the first of its items from now on.</summary>
    public void BeginItem()
    {
        _itemStarted = Stopwatch.GetTimestamp();
        if (InFlight.First is { } first) first.Value.Started = DateTimeOffset.Now;
    }

    /// <summary>It has finished the first of its items.</summary>
    public WorkItem EndItem()
    {
        var item = InFlight.First!.Value;
        InFlight.RemoveFirst();
        item.Duration = Stopwatch.GetElapsedTime(_itemStarted);
        _secondsPerItem += (item.Duration.TotalSeconds - _secondsPerItem) / 4;
        BeginItem();
        return item;
    }

    /// <summary>Asks it to return what it has in store.</summary>
    public void TakeBack()
    {
        IsGivingBack = true;
        _control.Send(JobControlId.TakeBack);
    }

    /// <summary>Tells it that no item comes any more.</summary>
    public void EndInput()
    {
        IsEnding = true;
        _control.Send(JobControlId.InputEnded, 0);
    }

    /// <summary>Tells it to stop, because no process reads its output. For any thread.</summary>
    public void EndForLackOfReader() => _control.Send(JobControlId.ReaderGone);

    /// <summary>Asks its process to end. For any thread.</summary>
    public void RequestStop() => _connection.Process.RequestStop();

    /// <summary>Kills its process, with all programs that it started. For any thread.</summary>
    public void Kill() => _connection.Process.Kill();

    /// <summary>How its process ended: "was killed by signal KILL".</summary>
    public string DescribeExit(JobEnd end) =>
        end is { IsReported: true, ExitCode: 0 } ? "ended its script (break, continue or exit)"
        : _connection.Process.Failure?.Message.TrimEnd('.') ?? _connection.Process.Exit?.ToString() ?? "ended";

    /// <summary>Its process has ended, and everything that it sent has come. Its <see cref="Channel"/> stays open.</summary>
    public void Disconnect()
    {
        _control.Dispose();
        _connection.Dispose();
        _connection.Process.Release();
    }

    /// <summary>Closes the channel.</summary>
    public void Dispose() => Channel.Dispose();

    /// <inheritdoc/>
    public override string ToString() => $"worker {Number} ({_connection.Process.Location})";
}

/// <summary>Receives from a worker.</summary>
internal sealed class WorkerReceiver(WorkerGroup group, Worker worker, JobConnection connection)
    : ChildReceiver(connection, $"worker {worker.Number}")
{
    protected override bool IsStopping => group.IsStopping;

    protected override void OnOutput(ReadOnlyMemory<byte> payload) => group.OnOutput(worker, payload);

    protected override void OnRecord(object record) => group.OnRecord(WorkerRecords.Named(record, worker));

    protected override void OnMessage(JobStreamId id, ReadOnlyMemory<byte> payload)
    {
        switch (id)
        {
            case JobStreamId.NextItem:
                // 'null' is one byte, and the common case.
                group.OnNextItem(worker, payload.Length > 1 ? Serializer.DecodeRecord<ErrorRecord>(payload) : null);
                break;
            case JobStreamId.ItemsReturned:
                group.OnItemsReturned(worker, Convert.ToInt32(Serializer.Decode(payload), CultureInfo.InvariantCulture));
                break;
        }
    }

    protected override void OnEnd(JobEnd end) => group.OnEnd(worker, end);
}
