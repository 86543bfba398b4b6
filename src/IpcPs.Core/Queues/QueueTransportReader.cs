using IpcPs.Messaging;
using IpcPs.Transports;

namespace IpcPs.Queues;

/// <summary>The reading end of a <see cref="QueueTransport"/>. A queue has no end of its own: told that all writers have ended, it takes what is there.</summary>
internal sealed class QueueTransportReader(PosixQueue queue, CancellationToken cancellation) : JobTransportReader
{
    private readonly CancellationTokenSource _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);

    public override bool Receive(MessageBuffer message)
    {
        try
        {
            return queue.Receive(message, Objects, new(Deadline.Infinite, _ended.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Told of the end while it waited, or before.
        }
        try
        {
            return queue.Receive(message, Objects, new(Deadline.Immediate, cancellation));
        }
        catch (IpcException e) when (e.Id == IpcErrors.Empty)
        {
            return false;
        }
    }

    public override void EndOfWriters(int opened) => _ended.Cancel();

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        queue.Dispose();
        UnnamedTransport.CleanUpFor(queue.Address);
    }
}
