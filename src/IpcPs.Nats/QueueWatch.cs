using IpcPs.Readiness;

namespace IpcPs.Nats;

/// <summary>Looks again and again whether the queue has a message: the server notifies only a receiver.</summary>
internal sealed class QueueWatch(NatsQueue queue) : BlockingWatch(queue.Address.Text, queue.Ending)
{
    private protected override ReadyState CheckNow() => queue.HasMessage() ? ReadyState.Message : ReadyState.None;

    private protected override void UntilChanged(CancellationToken cancellation)
    {
        var poll = new PollWithBackoff();
        while (CheckNow() == ReadyState.None) Waiter.PollAny([], new(poll.Next(Deadline.Infinite), cancellation), CancellationToken.None);
    }
}

/// <summary>Waits until the server has sent a message of a topic.</summary>
internal sealed class TopicWatch(NatsTopic topic) : BlockingWatch(topic.Address.Text, topic.Ending)
{
    private protected override ReadyState CheckNow() => topic.HasMessage ? ReadyState.Message : ReadyState.None;

    private protected override void UntilChanged(CancellationToken cancellation) => topic.UntilMessage(cancellation);
}
