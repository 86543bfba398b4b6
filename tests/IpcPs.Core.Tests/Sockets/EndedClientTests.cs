using System.Text;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using Xunit;

namespace IpcPs.Tests.Sockets;

/// <summary>Clients that end their sending, or vanish, before they were answered.</summary>
public sealed class EndedClientTests : IDisposable
{
    private static readonly SendOptions Text = new() { Format = IpcFormat.Text };
    private static readonly SendOptions Request = new() { Framed = true, CorrelationId = 7 };
    private readonly SocketPlace _place = new();
    private readonly MessageBuffer _message = new();

    private static Deadline Soon => Deadline.After(TimeSpan.FromSeconds(120));

    public void Dispose() => _place.Dispose();

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    [InlineData("tcp")]
    public async Task An_answer_from_another_thread_after_the_next_receive_reaches_a_client_that_has_ended_sending(string kind)
    {
        var listener = (SocketListener)_place.Listen(kind);
        var client = _place.Connect(listener);
        client.Send("one"u8, Text);
        client.Send("two"u8, Text);
        client.CompleteSending();
        IpcMessage[] questions = [Receive(listener), Receive(listener)];
        // The end of the client's messages was seen.
        Nothing(listener);
        Assert.Equal(0, listener.Clients);
        var receiving = Task.Run(() => Assert.Throws<IpcException>(() => listener.Receive(new MessageBuffer(), default, Soon)).Id);
        foreach (var question in questions)
        {
            // One answer of several messages, each from a thread of its own.
            foreach (var text in new[] { "a", "b" })
            {
                var thread = new Thread(() => question.Channel.Send(Encoding.UTF8.GetBytes($"{text} {question.Body}"), Text));
                thread.Start();
                thread.Join();
            }
            question.MarkAnswered();
        }
        foreach (var expected in new[] { "a one", "b one", "a two", "b two" }) Assert.Equal(expected, Next(client));
        // Then the client gets the end of the stream, although nothing else happens at the listener.
        Assert.False(client.Receive(_message, default, Soon));
        listener.Dispose();
        Assert.Equal(IpcErrors.Closed, await receiving);
    }

    [Fact]
    public void A_client_that_has_ended_sending_is_closed_by_the_next_receive_when_nothing_of_it_is_awaited()
    {
        var listener = (SocketListener)_place.Listen("stream");
        // Nothing was taken; answered; declared answered; one of two messages is open.
        Assert.True(IsClosed(static (_, _) => { }));
        Assert.True(IsClosed(static (_, messages) => messages[0].ReplyChannel!.Send("x"u8, Text)));
        Assert.True(IsClosed(static (listener, messages) =>
        {
            foreach (var message in messages) new IpcMessage(message, null, listener).MarkAnswered();
        }));
        Assert.False(IsClosed(static (listener, messages) =>
        {
            foreach (var message in messages) _ = new IpcMessage(message, null, listener);
            new IpcMessage(messages[1], null, listener).MarkAnswered();
        }));
        Assert.False(IsClosed(static (_, messages) => Assert.NotNull(messages[0].ReplyChannel)));

        bool IsClosed(Action<IpcChannel, MessageBuffer[]> answer)
        {
            var client = _place.Connect(listener);
            client.Send("one"u8, Text);
            client.Send("two"u8, Text);
            client.CompleteSending();
            MessageBuffer[] messages = [new(), new()];
            foreach (var message in messages) Assert.True(listener.Receive(message, default, Soon));
            answer(listener, messages);
            Nothing(listener);
            Nothing(listener);
            try
            {
                while (client.Receive(_message, default, Deadline.Immediate))
                {
                }
                return true;
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty)
            {
                return false;
            }
        }
    }

    [Theory]
    [InlineData("stream")]
    [InlineData("seqpacket")]
    public void A_listener_keeps_nothing_of_clients_that_vanish_before_they_are_answered(string kind)
    {
        var listener = (SocketListener)_place.Listen(kind);
        var questions = new List<IpcChannel>();
        for (var i = 0; i < 20; i++)
        {
            using (var client = IpcSocket.Connect(listener.Address)) client.Send("?"u8, i % 2 == 0 ? Request : Text);
            Assert.True(listener.Receive(_message, default, Soon));
            questions.Add(_message.ReplyChannel!);
        }
        Nothing(listener);
        Nothing(listener);
        Assert.All(questions, static q => Assert.True(q.IsClosed));
        var error = Assert.Throws<IpcException>(() => questions[0].Send("late"u8, Text));
        Assert.Equal(IpcErrors.PeerClosed, error.Id);
        Assert.Equal($"The client of '{questions[0].Address}' has closed its connection.", error.Message);
        Assert.Equal((0, 0), (listener.Clients, listener.Failed));
    }

    [Fact]
    public void A_message_that_cannot_be_decoded_costs_its_sender_the_connection_and_a_datagram_is_dropped()
    {
        var listener = (SocketListener)_place.Listen("stream");
        var client = _place.Connect(listener);
        client.Send("not json"u8, Text);
        Assert.True(listener.Receive(_message, default, Soon));
        Assert.True(listener.TryReject(_message, new IpcException(IpcErrors.FormatMismatch, "The message is not JSON.")));
        Assert.Equal((1, 0), (listener.Failed, listener.Clients));
        Assert.EndsWith("was disconnected: The message is not JSON.",
            Assert.Single(listener.TakeWarnings()), StringComparison.Ordinal);
        Assert.False(client.Receive(_message, default, Soon));

        var datagrams = (DatagramListener)_place.Listen("datagram");
        var sender = _place.Connect(datagrams);
        // An envelope with a reference to a segment that no IpcPs program creates.
        sender.Send([EnvelopeHeader.Marker, 1, 8, 1, 3, 0, 0, 0, 1, 2, 3]);
        sender.Send("good"u8, Text);
        Assert.True(datagrams.Receive(_message, default, Soon));
        Assert.Equal("good"u8, _message.Payload.Span);
        Assert.Equal(1, datagrams.Failed);
        Assert.EndsWith($"was dropped: A message on '{datagrams.Address}' refers to a shared memory segment, but its name is not one that "
            + "IpcPs creates.", Assert.Single(datagrams.TakeWarnings()), StringComparison.Ordinal);
    }

    private IpcMessage Receive(IpcChannel listener)
    {
        Assert.True(listener.Receive(_message, default, Soon));
        return new IpcMessage(_message, Encoding.UTF8.GetString(_message.Payload.Span), listener);
    }

    private string Next(IpcChannel client)
    {
        Assert.True(client.Receive(_message, default, Soon));
        return Encoding.UTF8.GetString(_message.Payload.Span);
    }

    private static void Nothing(IpcChannel listener) =>
        Assert.Equal(IpcErrors.Empty,
            Assert.Throws<IpcException>(() => listener.Receive(new MessageBuffer(), default, Deadline.Immediate)).Id);
}
