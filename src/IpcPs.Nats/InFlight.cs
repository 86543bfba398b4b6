using NATS.Client.Core;

namespace IpcPs.Nats;

/// <summary>A message that was sent and is not confirmed.</summary>
/// <param name="id">Its number among the messages of one sender.</param>
/// <param name="payload">Its bytes.</param>
/// <param name="headers">Its headers, with the id that the broker knows it by.</param>
/// <param name="deadline">Until when it must be confirmed.</param>
/// <param name="hasWaiter">Whether its sender waits for it, and so learns of its failure.</param>
/// <param name="onFailed">Called when it failed and no sender waits for it.</param>
internal sealed class InFlight(
    ulong id, byte[] payload, NatsHeaders headers, Deadline deadline, bool hasWaiter, Action<IpcException>? onFailed)
{
    public ulong Id { get; } = id;
    public byte[] Payload { get; } = payload;
    public NatsHeaders Headers { get; } = headers;
    public Deadline Deadline { get; } = deadline;
    public bool HasWaiter { get; } = hasWaiter;
    public Action<IpcException>? OnFailed { get; } = onFailed;
    public long SentAt { get; set; }
    public long RepeatAt { get; set; }
    public bool WasFull { get; set; }
    public bool WasUnanswered { get; set; }
    public bool IsDone { get; set; }
    public IpcException? Failure { get; set; }
}
