using System.Text.Unicode;
using IpcPs.Messaging;
using IpcPs.Queues;

namespace IpcPs.Relays;

/// <summary>Moves messages, one by one, with their envelopes, types, priorities and descriptors where both sides have them.</summary>
internal sealed class MessagePump
{
    private readonly RelayDirection _direction;
    private readonly RelaySide _from;
    private readonly RelaySide _to;
    private readonly ReceiveOptions _receive;
    private readonly RelayConversion? _convert;
    private readonly MessageBuffer _message = new();

    public MessagePump(RelayDirection direction)
    {
        _direction = direction;
        (_from, _to) = direction.IsBack ? (Options.To, Options.From) : (Options.From, Options.To);
        _receive = new ReceiveOptions
        {
            Format = _from.Format,
            Delimiter = _from.Delimiter,
            Exact = Options.Exact,
            Ahead = Options.Count is null ? ReceiveOptions.ManyAhead : 0,
        };
        _convert = Options.Conversion?.Invoke(_to.Format);
    }

    /// <inheritdoc cref="RelayDirection.Move"/>
    public RelayEnd Move()
    {
        using var sender = new BufferedSender(Target, Ending);
        try
        {
            for (var left = Options.Count ?? long.MaxValue; left > 0; left--)
            {
                if (!Receive())
                {
                    sender.Flush();
                    return RelayEnd.From;
                }
                if (!TrySend(sender)) left++;
            }
            sender.Flush();
            return RelayEnd.Count;
        }
        catch
        {
            TryFlush(sender);
            throw;
        }
        finally
        {
            Source.ReturnAhead();
            _message.DropHandles();
        }
    }

    private IpcChannel Source => _direction.Source;

    private IpcChannel Target => _direction.Target;

    private RelayOptions Options => _direction.Options;

    private CancellationToken Ending => _direction.Ending;

    private bool Receive()
    {
        while (true)
        {
            try
            {
                return Source.Receive(_message, _receive, _direction.IdleWait());
            }
            catch (IpcException e) when (e.Id == IpcErrors.Timeout && Options.IdleTimeout is not null)
            {
                if (!_direction.WasActive()) throw _direction.TimedOut();
            }
            catch (IpcException e) when (e.IsOfOneMessage)
            {
                _direction.Report(e);
            }
        }
    }

    /// <returns>False if this message could not be sent, which was reported.</returns>
    private bool TrySend(BufferedSender sender)
    {
        try
        {
            var size = Send(sender);
            _message.Acknowledge();
            _direction.CountMessage(size);
            _direction.Observer?.OnMessage(_direction, _message);
            return true;
        }
        catch (IpcException e) when (IsOfThisMessage(e))
        {
            _direction.Report(e);
            _message.Acknowledge();
            return false;
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // It was not sent. The next receiver of the source gets it.
            if (Source is MessageChannel queue) queue.Keep(_message);
            _message.TakeReceipt().Return();
            throw;
        }
    }

    private int Send(BufferedSender sender)
    {
        var hasEnvelope = _message.Format != IpcFormat.Auto && !(_from.Format == IpcFormat.Bytes && Source.IsByteStream);
        var format = hasEnvelope ? _message.Format : _from.Format;
        var options = Describe(hasEnvelope);
        var payload = _message.Span;
        if (_to.Format != IpcFormat.Auto)
        {
            if (MustConvert(format)) payload = Convert(format);
            options = options with { Format = _to.Format, Framed = false };
        }
        else if (hasEnvelope)
        {
            options = options with { Format = format, Framed = true };
        }
        else if (Target.IsByteStream && _from.Format != IpcFormat.Bytes)
        {
            options = OnStream(options, payload);
        }
        // Descriptors are sent at once, because the next receive closes them.
        if (Options.IdleTimeout is { } limit) Target.Send(payload, options, new(Deadline.After(limit), Ending));
        else if (options.Handles is null && !_message.AwaitsAcknowledgement) sender.Send(payload, options);
        else Target.Send(payload, options, Ending);
        return payload.Length;
    }

    private SendOptions Describe(bool hasEnvelope) => new()
    {
        Delimiter = _to.Delimiter,
        Type = Target is SysVQueue ? _message.Type ?? 0 : 0,
        Priority = Target is PosixQueue ? _message.Priority : null,
        CorrelationId = hasEnvelope ? _message.CorrelationId : 0,
        IsReply = hasEnvelope && _message.IsReply,
        StreamId = hasEnvelope ? _message.StreamId : (byte)0,
        Handles = _message.Handles,
    };

    // A receiver with format Auto gets the message that came: a text that is one line, or else an envelope around the bytes.
    private SendOptions OnStream(SendOptions options, ReadOnlySpan<byte> payload)
    {
        var isText = Utf8.IsValid(payload);
        var isLine = isText && !payload.Contains(_to.Delimiter.LastByte());
        return options with { Format = isText ? IpcFormat.Text : IpcFormat.Bytes, Framed = !isLine };
    }

    private bool MustConvert(IpcFormat format) => _to.Format switch
    {
        IpcFormat.Object or IpcFormat.Json => format != _to.Format,
        _ => format == IpcFormat.Object,
    };

    private ReadOnlySpan<byte> Convert(IpcFormat format) => _convert is { } convert
        ? convert(_message, _from.Format, Ending)
        : throw new IpcException(IpcErrors.FormatMismatch,
            $"A message on '{Source.Address}' has format {format}, and '{Target.Address}' gets format {_to.Format}.", Source.Address.Text);

    // The rest of the failures is about the target, or about this process: the message is not at fault.
    private static bool IsOfThisMessage(IpcException e) =>
        e.Id == IpcErrors.MessageTooLarge || e.Id == IpcErrors.InvalidArgument || e.Id == IpcErrors.FormatMismatch
        || e.Id == IpcErrors.InvalidData || e.Id == IpcErrors.SecretRefused || e.Id == IpcErrors.NotSupported;

    private static void TryFlush(BufferedSender sender)
    {
        try
        {
            // After a cancellation it tries once: what was received before should arrive.
            sender.Flush();
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // The receiver has gone, or its buffer is full.
        }
    }
}

/// <summary>A direction that sees messages.</summary>
internal sealed class MessageDirection(IpcRelay relay, IpcChannel source, IpcChannel target, bool isBack)
    : RelayDirection(relay, source, target, isBack)
{
    private protected override RelayEnd Move() => new MessagePump(this).Move();
}
