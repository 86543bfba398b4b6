using IpcPs.Messaging;
using IpcPs.Readiness;

namespace IpcPs.Queues;

/// <content>Waiting for a message together with other objects.</content>
public sealed partial class SysVQueue
{
    /// <inheritdoc/>
    /// <remarks>Calls: msgctl(2); msgrcv(2) with MSG_COPY for a type, and with a buffer of 0 bytes to wait. The kernel cannot wait for an
    /// empty message without receiving it: an empty message that arrives during the wait is sent again, behind the others.</remarks>
    public override ReadinessWatch CreateWatch(in ReadinessOptions options = default)
    {
        ThrowIfClosed();
        CheckTypes(options.Type ?? 0, options.ExceptType);
        return new QueueWatch(this, options.Type ?? 0, options.ExceptType);
    }

    private sealed class QueueWatch(SysVQueue queue, long type, bool except) : BlockingWatch(queue.Address.Text, queue.Closing)
    {
        private readonly MessageBuffer _peeked = new();

        private protected override ReadyState CheckNow() =>
            queue.ReadyWithoutDescriptor() != ReadyState.None
            || (queue.CurrentMessages > 0 && (type == 0 || queue.TryPeek(_peeked, type, except)))
                ? ReadyState.Message : ReadyState.None;

        // A buffer of its own: the thread that waits checks with the other one meanwhile.
        private protected override void UntilChanged(CancellationToken cancellation) =>
            queue.BlockUntilOneIsThere(new MessageBuffer(), type, except, cancellation);
    }
}
