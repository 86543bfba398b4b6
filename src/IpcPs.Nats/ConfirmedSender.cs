using System.Globalization;
using System.Text.Json;
using IpcPs.Nats.Connections;
using NATS.Client.Core;
using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace IpcPs.Nats;

/// <summary>Sends to a stream, with many messages in flight. Each is kept until the broker confirms that it is stored, and sent again with
/// the same id where no answer comes: the broker drops what it has already.</summary>
/// <remarks>The order is kept as long as no message had to be sent again.</remarks>
internal sealed class ConfirmedSender : IDisposable
{
    private readonly object _sending = new();
    private readonly NatsQueue _queue;
    private readonly Server _server;
    private readonly string _subject;
    private readonly string _inbox;
    private readonly string _idPrefix;
    private readonly INatsSub<byte[]> _answers;
    private readonly SendWindow _window;

    public ConfirmedSender(NatsQueue queue)
    {
        (_queue, _server, _subject) = (queue, queue.Server, queue.Subject);
        _inbox = _server.NewInbox();
        _idPrefix = _inbox[(_inbox.LastIndexOf('.') + 1)..] + "-";
        _answers = Blocking.Wait(token => _server.Connection.SubscribeCoreAsync(
            _inbox + ".*", serializer: NatsRawSerializer<byte[]>.Default, cancellationToken: token), Deadline.Infinite, default);
        _window = new SendWindow(_server, queue.Address, OnTick);
        _server.Reopened += OnReopened;
        _server.Denied += OnDenied;
        _ = ReadAnswersAsync();
    }

    /// <summary>Sends a message.</summary>
    /// <param name="payload">Its bytes.</param>
    /// <param name="options">What is sent with it.</param>
    /// <param name="wait">How long to wait for the confirmation.</param>
    /// <param name="waits">Whether to wait for it here.</param>
    public void Send(ReadOnlySpan<byte> payload, in SendOptions options, in WaitOptions wait, bool waits)
    {
        InFlight message;
        lock (_sending)
        {
            message = _window.Add(payload, options, _idPrefix, wait, waits);
            if (_server.IsConnected) Publish(message);
        }
        if (waits) _window.WaitFor(message, wait.Cancellation);
    }

    /// <summary>Waits until every message is confirmed.</summary>
    public void Flush(in WaitOptions wait) => _window.WaitForAll(wait);

    public void Dispose()
    {
        _server.Reopened -= OnReopened;
        _server.Denied -= OnDenied;
        _window.Dispose();
        _ = _answers.UnsubscribeAsync().AsTask();
    }

    private void Publish(InFlight message)
    {
        message.SentAt = Environment.TickCount64;
        try
        {
            Blocking.Wait(_server.Connection.PublishAsync(_subject, message.Payload, message.Headers,
                _inbox + "." + message.Id.ToString(CultureInfo.InvariantCulture), NatsRawSerializer<byte[]>.Default));
        }
        catch (NatsPayloadTooLargeException e)
        {
            _window.Complete(message, _queue.TooLarge(message.Payload.Length, e));
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is lost: it is sent again.
            _window.Repeat(message);
        }
    }

    private void SendAgain()
    {
        foreach (var message in _window.TakeRepeated()) Publish(message);
    }

    private async Task ReadAnswersAsync()
    {
        Action take = TakeAnswers;
        try
        {
            while (await _answers.Msgs.WaitToReadAsync().ConfigureAwait(false))
            {
                _window.Change(take);
                SendAgain();
            }
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // The channel was closed.
        }
    }

    private void TakeAnswers()
    {
        while (_answers.Msgs.TryRead(out var answer)) OnAnswer(answer);
    }

    private void OnAnswer(in NatsMsg<byte[]> answer)
    {
        var dot = answer.Subject.LastIndexOf('.');
        if (!ulong.TryParse(answer.Subject.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            || _window.Find(id) is not { } message)
        {
            return;
        }
        if (answer.HasNoResponders || answer.Data is not { Length: > 0 } data)
        {
            // No server answers for the stream: it has no leader now, or was removed.
            message.WasUnanswered = true;
            _window.Repeat(message);
        }
        else if (data.AsSpan().IndexOf("\"error\""u8) >= 0 && Error(data) is { } error)
        {
            OnError(message, error);
        }
        else
        {
            _window.Complete(message, null);
        }
    }

    private void OnError(InFlight message, ApiError error)
    {
        if (error.ErrCode == Errors.StoreFailed && error.Description?.StartsWith("maximum", StringComparison.Ordinal) == true)
            _window.RefuseFull(message);
        else if (error.Code == 503 && error.ErrCode is Errors.NoLeader or Errors.ClusterTemporary)
            _window.Repeat(message);
        else
            _window.Complete(message, Error(message, error));
    }

    private IpcException Error(InFlight message, ApiError error) => error.ErrCode == Errors.MessageTooLarge
        ? _queue.TooLarge(message.Payload.Length) : Errors.Of(error, _queue.Address);

    private void OnTick()
    {
        // Before the messages are on their way again.
        if (_window.TakeUnanswered()) _ = CheckRemovedAsync();
        SendAgain();
    }

    private async Task CheckRemovedAsync()
    {
        try
        {
            await _server.JetStream.GetStreamAsync(_queue.Address.Name!).ConfigureAwait(false);
        }
        catch (NatsJSApiException e) when (e.Error.ErrCode == Errors.StreamNotFound)
        {
            _window.FailAll(() => new IpcException(IpcErrors.Removed, $"'{_queue.Address}' was removed.", _queue.Address.Text));
        }
        catch (Exception e) when (e is NatsException or OperationCanceledException or ObjectDisposedException)
        {
            // Not now: it is asked again.
        }
    }

    private void OnReopened()
    {
        _window.RepeatAll();
        ThreadPool.UnsafeQueueUserWorkItem(static s => s.SendAgain(), this, preferLocal: false);
    }

    private void OnDenied(string subject)
    {
        if (subject == _subject) _window.FailAll(() => _server.DeniedError(subject, _queue.Address));
    }

    private static ApiError? Error(byte[] data)
    {
        try
        {
            return JsonDocument.Parse(data).RootElement.TryGetProperty("error", out var error) ? error.Deserialize<ApiError>() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
