using IpcPs.Mechanisms;
using IpcPs.Readiness;

namespace IpcPs.Messaging;

/// <content>Messages that were taken from the transport and must not be lost: their segment could not be read, because this process had no
/// descriptor or no memory left; or a relay could not send them on. They are kept here for the next receive.</content>
public abstract partial class MessageChannel
{
    private readonly object _keeping = new();
    private List<(MessageBuffer Message, bool IsReference)>? _kept;

    /// <summary>Whether a receive with these options receives that message.</summary>
    private protected virtual bool Selects(MessageBuffer message, in ReceiveOptions options) => true;

    /// <summary>Whether the transport outlives this end: what was received here can be sent again for another receiver.</summary>
    private protected virtual bool OutlivesEnds => false;

    /// <summary>Keeps a message that was received here for the next receive; empties the buffer.</summary>
    internal void Keep(MessageBuffer message) => Keep(message, isReference: false);

    /// <summary>Sends the kept messages again: this end was closed, and another one may receive them. A message that cannot be sent again,
    /// because its transport is gone or full, is dropped with its segment.</summary>
    private protected override void AfterClose()
    {
        foreach (var (message, isReference) in Interlocked.Exchange(ref _kept, null) ?? [])
        {
            message.DropHandles();
            if ((!OutlivesEnds || !TrySendAgain(message, isReference)) && isReference) LargeMessage.Discard(message.Span, Address);
        }
    }

    /// <summary>Receives a kept message.</summary>
    private protected bool TakeKept(MessageBuffer message, in ReceiveOptions options)
    {
        if (_kept is null) return false;
        bool isReference;
        lock (_keeping)
        {
            var index = FindKept(options);
            if (index < 0) return false;
            (var kept, isReference) = _kept[index];
            if (options.Peek)
            {
                message.CopyFrom(kept);
            }
            else
            {
                _kept.RemoveAt(index);
                message.MoveFrom(kept);
            }
        }
        if (isReference) ReadSegment(message, options.Peek);
        return true;
    }

    /// <inheritdoc/>
    internal override ReadyState ReadyWithoutDescriptor()
    {
        lock (_keeping) return _kept is { Count: > 0 } ? ReadyState.Message : base.ReadyWithoutDescriptor();
    }

    private int FindKept(in ReceiveOptions options)
    {
        for (var i = 0; i < _kept?.Count; i++)
        {
            if (Selects(_kept[i].Message, options)) return i;
        }
        return -1;
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
            Keep(message, isReference: true);
            throw;
        }
    }

    private void Keep(MessageBuffer message, bool isReference)
    {
        var kept = new MessageBuffer();
        kept.MoveFrom(message);
        lock (_keeping) (_kept ??= []).Insert(0, (kept, isReference));
    }

    /// <summary>Whether a receive failed because this process or the machine ran out of something, and may succeed later.</summary>
    internal static bool IsShortage(Exception e) =>
        e is IpcException { Errno: Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM };

    private bool TrySendAgain(MessageBuffer message, bool isReference)
    {
        var options = new SendOptions
        {
            Format = message.Format,
            Framed = message.Format != IpcFormat.Auto,
            Type = message.Type ?? 0,
            Priority = message.Priority,
            CorrelationId = message.CorrelationId,
            IsReply = message.IsReply,
            StreamId = message.StreamId,
        };
        try
        {
            using var again = (MessageChannel)IpcMechanisms.Open(Address, new OpenOptions { Access = IpcAccess.Write });
            if (!isReference) again.Send(message.Span, options, Deadline.Immediate);
            else
            {
                var header = EnvelopeHeader.For(options, message.Length) with { IsReference = true };
                again.SendEnvelope(message.Span, header, options, Deadline.Immediate);
            }
            return true;
        }
        catch (IpcException)
        {
            return false;
        }
    }
}
