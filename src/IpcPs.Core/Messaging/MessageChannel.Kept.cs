using IpcPs.Mechanisms;
using IpcPs.Readiness;

namespace IpcPs.Messaging;

/// <content>Messages whose segment could not be read when they were received, because this process had no descriptor or no memory left.
/// Their transport does not have them any more, so that they are kept here for the next receive.</content>
public abstract partial class MessageChannel
{
    private readonly object _keeping = new();
    private List<MessageBuffer>? _kept;

    /// <summary>Whether a receive with these options receives that message.</summary>
    private protected virtual bool Selects(MessageBuffer message, in ReceiveOptions options) => true;

    /// <summary>Whether the transport outlives this end: what was received here can be sent again for another receiver.</summary>
    private protected virtual bool OutlivesEnds => false;

    /// <summary>Sends the kept messages again: this end was closed, and another one may receive them. A message that cannot be sent again,
    /// because its transport is gone or full, is dropped with its segment.</summary>
    private protected override void AfterClose()
    {
        foreach (var message in Interlocked.Exchange(ref _kept, null) ?? [])
        {
            if (!OutlivesEnds || !TrySendAgain(message)) LargeMessage.Discard(message.Span, Address);
        }
    }

    /// <summary>Receives a kept message.</summary>
    private protected bool TakeKept(MessageBuffer message, in ReceiveOptions options)
    {
        if (_kept is null) return false;
        lock (_keeping)
        {
            if (FindKept(options) is not { } kept) return false;
            if (options.Peek)
            {
                message.CopyFrom(kept);
            }
            else
            {
                _kept.Remove(kept);
                message.MoveFrom(kept);
            }
        }
        ReadSegment(message, options.Peek);
        return true;
    }

    /// <inheritdoc/>
    internal override ReadyState ReadyWithoutDescriptor()
    {
        lock (_keeping) return _kept is { Count: > 0 } ? ReadyState.Message : base.ReadyWithoutDescriptor();
    }

    private MessageBuffer? FindKept(in ReceiveOptions options)
    {
        foreach (var kept in _kept ?? [])
        {
            if (Selects(kept, options)) return kept;
        }
        return null;
    }

    /// <summary>Replaces a reference by the message in its segment.</summary>
    private void ReadSegment(MessageBuffer message, bool peek)
    {
        var reference = message.Payload.ToArray();
        try
        {
            LargeMessage.Resolve(message, reference, Address, peek);
        }
        catch (Exception e) when (!peek && IsShortage(e))
        {
            message.Set(reference);
            var kept = new MessageBuffer();
            kept.MoveFrom(message);
            lock (_keeping) (_kept ??= []).Insert(0, kept);
            throw;
        }
    }

    /// <summary>Whether a receive failed because this process or the machine ran out of something, and may succeed later.</summary>
    internal static bool IsShortage(Exception e) =>
        e is IpcException { Errno: Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM };

    private bool TrySendAgain(MessageBuffer message)
    {
        var options = new SendOptions
        {
            Format = message.Format,
            Type = message.Type ?? 0,
            Priority = message.Priority,
            CorrelationId = message.CorrelationId,
            IsReply = message.IsReply,
            StreamId = message.StreamId,
        };
        var header = EnvelopeHeader.For(options, message.Length) with { IsReference = true };
        try
        {
            using var again = (MessageChannel)IpcMechanisms.Open(Address, new OpenOptions { Access = IpcAccess.Write });
            again.SendEnvelope(message.Span, header, options, Deadline.Immediate);
            return true;
        }
        catch (IpcException)
        {
            return false;
        }
    }
}
