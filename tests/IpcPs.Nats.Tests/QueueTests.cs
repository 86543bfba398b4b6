using System.Collections.Concurrent;
using System.Text;
using IpcPs.Brokers;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Readiness;
using IpcPs.Relays;
using IpcPs.Pipes;
using IpcPs.Transports;

namespace IpcPs.Nats.Tests;

/// <summary>What a queue keeps, gives and refuses.</summary>
[Collection(OneServer.Name)]
public sealed class QueueTests(SharedServer shared)
{
    [NatsTheory]
    [InlineData(IpcFormat.Object)]
    [InlineData(IpcFormat.Text)]
    [InlineData(IpcFormat.Json)]
    [InlineData(IpcFormat.Bytes)]
    public void A_message_arrives_with_its_bytes_and_its_format(IpcFormat format)
    {
        using var test = new TestQueue(shared.Server);
        byte[] sent = [0xC1, 1, 2, 3];
        test.Queue.Send(sent, new SendOptions { Format = format }, TestQueue.Limit);
        test.Queue.Send(sent, new SendOptions { Format = format, Framed = true, StreamId = 3 }, TestQueue.Limit);
        var message = new MessageBuffer();
        test.Queue.Receive(message, default, TestQueue.Limit);
        Assert.Equal(sent, message.Payload.ToArray());
        Assert.Equal(format == IpcFormat.Object ? format : IpcFormat.Auto, message.Format);
        message.Acknowledge();
        test.Queue.Receive(message, default, TestQueue.Limit);
        Assert.Equal((format, (byte)3, 1), (message.Format, message.StreamId, message.DeliveryCount));
    }

    [NatsFact]
    public void Many_messages_in_flight_arrive_once_and_in_order()
    {
        using var test = new TestQueue(shared.Server);
        var bodies = Enumerable.Range(0, 10_000).Select(static i => $"message {i}").ToList();
        test.Queue.SendMany(bodies.Select(static b => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(b)), Messages.Text, TestQueue.Limit);
        Assert.Equal(bodies.Count, test.Queue.CurrentMessages);
        Assert.Equal(bodies, bodies.Select(_ => test.Queue.ReceiveText(ahead: 255)).ToList());
        test.Queue.ReturnAhead();
        Assert.Equal(0, test.Queue.CurrentMessages);
    }

    [NatsFact]
    public void A_message_stays_until_it_is_acknowledged()
    {
        using var test = new TestQueue(shared.Server);
        test.Queue.SendText("one");
        var message = new MessageBuffer();
        using (var other = test.Open())
        {
            other.Receive(message, default, TestQueue.Limit);
            Assert.True(message.AwaitsAcknowledgement);
            Assert.Equal(1, test.Queue.CurrentMessages);
        }
        // The other one was closed: it comes again at once, and says so.
        test.Queue.Receive(message, default, TestQueue.Limit);
        Assert.Equal(2, message.DeliveryCount);
        message.Acknowledge();
        test.Queue.ReturnAhead();
        Assert.Equal(0, test.Queue.CurrentMessages);
    }

    [NatsFact]
    public void What_was_fetched_ahead_is_returned()
    {
        using var test = new TestQueue(shared.Server);
        for (var i = 0; i < 5; i++) test.Queue.SendText($"{i}");
        using var other = test.Open();
        Assert.Equal("0", other.ReceiveText(ahead: 10));
        Messages.Fails(IpcErrors.Empty, () => test.Queue.Receive(new MessageBuffer(), default, Deadline.Immediate));
        other.ReturnAhead();
        Assert.Equal(["1", "2", "3", "4"], Enumerable.Range(0, 4).Select(_ => test.Queue.ReceiveText()).Order());
    }

    [NatsFact]
    public void A_message_that_is_worked_on_for_long_is_given_to_no_other_receiver()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { AckWait = TimeSpan.FromSeconds(1) });
        test.Queue.SendText("slow");
        var message = new MessageBuffer();
        test.Queue.Receive(message, default, TestQueue.Limit);
        using var other = test.Open();
        var error = Messages.Fails(IpcErrors.Timeout,
            () => other.Receive(new MessageBuffer(), default, Deadline.After(TimeSpan.FromSeconds(2.5))));
        Assert.Equal($"Waited 2.5 s for a message on '{test.Address}'.", error.Message);
        message.Acknowledge();
    }

    [NatsFact]
    public void A_receiver_that_dies_loses_its_message_to_another_one()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { AckWait = TimeSpan.FromSeconds(1) });
        test.Queue.SendText("work");
        using (var peer = new RawPeer(shared.Server))
        {
            peer.Subscribe("inbox.dead");
            peer.Publish($"$JS.API.CONSUMER.MSG.NEXT.{test.Address.Name}.ipcps", "1", replyTo: "inbox.dead");
            Assert.Equal("work", peer.Receive());
        }
        var message = new MessageBuffer();
        test.Queue.Receive(message, default, TestQueue.Limit);
        Assert.Equal(2, message.DeliveryCount);
    }

    [NatsFact]
    public void A_client_in_another_language_sends_and_receives_the_bytes_alone()
    {
        using var test = new TestQueue(shared.Server);
        using var peer = new RawPeer(shared.Server);
        peer.Subscribe(test.Queue.Subject);
        test.Queue.SendText("grüß dich");
        Assert.Equal("grüß dich", peer.Receive());
        peer.Publish(test.Queue.Subject, "from a raw socket");
        peer.Ping();
        Assert.Equal("grüß dich", test.Queue.ReceiveText());
        Assert.Equal("from a raw socket", test.Queue.ReceiveText());
    }

    [NatsFact]
    public async Task A_full_queue_makes_its_sender_wait()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { MaxMessages = 2 });
        test.Queue.SendText("1");
        test.Queue.SendText("2");
        var full = Messages.Fails(IpcErrors.QueueFull, () => test.Queue.Send("3"u8, Messages.Text, Deadline.Immediate));
        Assert.Equal($"Would have to wait for space in the queue '{test.Address}', which is full.", full.Message);
        Assert.Equal(IpcErrorCategory.ResourceBusy, full.Id.Category);
        Messages.Fails(IpcErrors.Timeout, () => test.Queue.Send("3"u8, Messages.Text, Deadline.After(TimeSpan.FromSeconds(0.5))));
        using var other = test.Open();
        var receiving = Task.Run(() => Enumerable.Range(0, 22).Select(_ => other.ReceiveText()).ToList());
        test.Queue.SendMany(Enumerable.Range(3, 20).Select(static i => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes($"{i}")),
            Messages.Text, TestQueue.Limit);
        Assert.Equal(Enumerable.Range(1, 22).Select(static i => $"{i}").Order(), (await receiving).Order());
    }

    [NatsFact]
    public void A_queue_that_discards_old_messages_has_the_newest()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { MaxMessages = 2, Discard = BrokerDiscard.Old });
        foreach (var text in new[] { "1", "2", "3" }) test.Queue.SendText(text);
        Assert.Equal(["2", "3"], new[] { test.Queue.ReceiveText(), test.Queue.ReceiveText() });
    }

    [NatsTheory]
    [InlineData(2_000_000, "")]
    // With its headers it is larger.
    [InlineData(1_048_570, " and its headers")]
    public void A_message_over_the_limit_of_the_server_is_refused_with_the_limit(int size, string headers)
    {
        using var test = new TestQueue(shared.Server);
        var address = shared.Server.Address(TestQueue.UniqueName() + "?type=topic");
        using var topic = (NatsTopic)IpcMechanisms.Open(address, wait: TestQueue.Limit);
        var options = new SendOptions { Format = IpcFormat.Object };
        foreach (var channel in new IpcChannel[] { test.Queue, topic })
        {
            var error = Messages.Fails(IpcErrors.MessageTooLarge, () => channel.Send(new byte[size], options, TestQueue.Limit));
            Assert.Equal($"A message of {size} bytes{headers} is larger than the 1048576 bytes that the server "
                + $"127.0.0.1:{shared.Server.Port} takes.", error.Message);
            Assert.Equal("Send it in parts, or write it to a file and send its path. Or raise max_payload in the server's configuration.",
                error.RecommendedAction);
            Assert.Equal(IpcErrorCategory.LimitsExceeded, error.Id.Category);
        }
    }

    [NatsTheory]
    [InlineData(300, "")]
    [InlineData(190, " and its headers")]
    public void A_message_over_the_limit_of_the_queue_is_refused_with_the_limit(int size, string headers)
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { MaxMessageSize = 200 });
        var error = Messages.Fails(IpcErrors.MessageTooLarge, () => test.Queue.Send(new byte[size], default, TestQueue.Limit));
        Assert.Equal($"A message of {size} bytes{headers} is larger than the 200 bytes that the queue '{test.Address}' takes.",
            error.Message);
        Assert.Equal("Send it in parts, or write it to a file and send its path.", error.RecommendedAction);
        Assert.Equal(IpcAdvice.SetMaxMessageSize, error.Advice);
    }

    [NatsFact]
    public void A_sender_that_waits_learns_that_its_queue_was_closed()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { MaxMessages = 1 });
        test.Queue.SendText("fills it");
        test.Queue.Enqueue("waits"u8, Messages.Text with { OnFailed = static _ => { } }, Deadline.Infinite);
        IpcException? error = null;
        var flushing = new Thread(() => error = Assert.Throws<IpcException>(() => test.Queue.Flush(Deadline.Infinite)));
        flushing.IsBackground = true;
        flushing.Start();
        Wait.Until(() => flushing.ThreadState.HasFlag(ThreadState.WaitSleepJoin), TimeSpan.FromSeconds(10), "the wait");
        test.Queue.Dispose();
        Assert.True(flushing.Join(TimeSpan.FromSeconds(30)));
        Assert.Equal(IpcErrors.Closed, error!.Id);
        Assert.Equal($"'{test.Address}' was closed before the broker confirmed every message.", error.Message);
    }

    [NatsFact]
    public void A_job_that_has_read_enough_returns_what_was_fetched()
    {
        using var test = new TestQueue(shared.Server);
        for (var i = 0; i < 5; i++) test.Queue.SendText($"{i}");
        using var mine = test.Open();
        var message = new MessageBuffer();
        using (var reader = ChannelTransport.Reader(mine, ownsChannel: false, CancellationToken.None))
        {
            Assert.True(reader.Receive(message));
            message.Acknowledge();
        }
        Assert.Equal(["1", "2", "3", "4"], Enumerable.Range(0, 4).Select(_ => test.Queue.ReceiveText()).Order());
    }

    [NatsFact]
    public async Task Threads_that_receive_share_a_queue_with_one_that_returns_what_was_fetched()
    {
        const int count = 500;
        using var test = new TestQueue(shared.Server);
        var received = new ConcurrentBag<string>();
        var receivers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            while (test.Queue.ReceiveText(ahead: 20) is var text && text != "end") received.Add(text);
        })).ToList();
        for (var i = 0; i < count; i++)
        {
            test.Queue.SendText($"{i}");
            if (i % 5 == 0) test.Queue.ReturnAhead();
        }
        Wait.Until(() => received.Count >= count, TimeSpan.FromSeconds(30), "the messages");
        foreach (var receiver in receivers) test.Queue.SendText("end");
        await Task.WhenAll(receivers);
        Assert.Equal(Enumerable.Range(0, count).Select(static i => $"{i}").Order(), received.Order());
    }

    [NatsFact]
    public void A_failure_of_an_enqueued_message_is_reported_with_it()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions { MaxMessages = 1 });
        var failures = new List<IpcException>();
        var options = Messages.Text with { OnFailed = failures.Add };
        for (var i = 0; i < 3; i++) test.Queue.Enqueue("x"u8, options, Deadline.Immediate);
        test.Queue.Flush(TestQueue.Limit);
        Assert.Equal(2, failures.Count);
        Assert.All(failures, static e => Assert.Equal(IpcErrors.QueueFull, e.Id));
    }

    [NatsFact]
    public void A_peek_leaves_the_message()
    {
        using var test = new TestQueue(shared.Server);
        var peek = new ReceiveOptions { Peek = true };
        Messages.Fails(IpcErrors.Empty, () => test.Queue.Receive(new MessageBuffer(), peek, Deadline.Immediate));
        test.Queue.Send([1, 2], new SendOptions { Format = IpcFormat.Object }, TestQueue.Limit);
        var message = new MessageBuffer();
        test.Queue.Receive(message, peek, TestQueue.Limit);
        Assert.Equal(IpcFormat.Object, message.Format);
        Assert.Equal([1, 2], message.Payload.ToArray());
        Assert.Equal(1, test.Queue.CurrentMessages);
    }

    [NatsFact]
    public async Task A_wait_for_several_objects_sees_a_message_and_leaves_it()
    {
        using var test = new TestQueue(shared.Server);
        using var empty = new TestQueue(shared.Server);
        using var first = empty.Queue.CreateWatch();
        using var second = test.Queue.CreateWatch();
        Assert.Equal(-1, ReadinessWaiter.UntilAny([first, second], out _, Deadline.After(TimeSpan.FromSeconds(0.2))));
        var sending = Task.Run(() => test.Queue.SendText("here"));
        Assert.Equal(1, ReadinessWaiter.UntilAny([first, second], out var state, TestQueue.Limit));
        Assert.Equal(ReadyState.Message, state);
        await sending;
        Assert.Equal("here", test.Queue.ReceiveText());
    }

    [NatsFact]
    public void A_named_pipe_is_relayed_into_a_queue()
    {
        using var test = new TestQueue(shared.Server);
        using var pipe = AnonymousPipe.Create();
        using var relay = new IpcRelay(pipe.Reader, test.Queue);
        relay.Start();
        pipe.Writer.SendMany(new[] { "a", "b" }.Select(static t => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(t)), Messages.Text);
        pipe.Writer.Dispose();
        Assert.True(relay.WaitForEnd(TestQueue.Limit));
        Assert.Equal(["a", "b"], new[] { test.Queue.ReceiveText(), test.Queue.ReceiveText() });
    }

    [NatsFact]
    public void A_queue_is_opened_listed_completed_and_removed()
    {
        using var test = new TestQueue(shared.Server, new BrokerQueueOptions
        {
            MaxAge = TimeSpan.FromHours(1),
            MaxBytes = 1_000_000,
            MaxMessages = 10,
            Storage = BrokerStorage.Memory,
        });
        test.Queue.SendText("x");
        Assert.Equal((TimeSpan.FromHours(1), 1_000_000, 10, BrokerStorage.Memory, BrokerDiscard.New, 1),
            (test.Queue.MaxAge, test.Queue.MaxBytes, test.Queue.MaxMessages, test.Queue.Storage, test.Queue.Discard, test.Queue.Replicas));
        var mechanism = IpcMechanisms.For(IpcScheme.Nats);
        Assert.Contains(test.Address, mechanism.Known([IpcScheme.Nats], $"nats://127.0.0.1:{shared.Server.Port}/t"));
        var exists = Messages.Fails(IpcErrors.AlreadyExists, () => IpcMechanisms.Broker(IpcScheme.Nats)
            .Create(test.Address, new BrokerQueueOptions(), null, useExisting: false, TestQueue.Limit));
        Assert.Equal($"A queue '{test.Address}' exists already.", exists.Message);
        var gone = shared.Server.Address(TestQueue.UniqueName());
        var missing = Messages.Fails(IpcErrors.NotFound, () => IpcMechanisms.Open(gone, wait: TestQueue.Limit));
        Assert.Equal($"The broker has no queue '{gone}'.", missing.Message);
        Messages.Fails(IpcErrors.NotFound, () => mechanism.Remove(gone));
    }

    [NatsFact]
    public async Task Its_receivers_and_senders_learn_that_a_queue_was_removed()
    {
        var test = new TestQueue(shared.Server);
        using var sender = test.Open();
        sender.SendText("x");
        test.Queue.ReceiveText();
        var receiving = Task.Run(() => Messages.Fails(IpcErrors.Removed,
            () => test.Queue.Receive(new MessageBuffer(), default, TestQueue.Limit)));
        using (var other = test.Open())
            Messages.Fails(IpcErrors.Timeout, () => other.Receive(new MessageBuffer(), default, Deadline.After(TimeSpan.FromSeconds(0.3))));
        IpcMechanisms.For(IpcScheme.Nats).Remove(test.Address);
        await receiving;
        Messages.Fails(IpcErrors.Removed, () => sender.SendText("y"));
        test.Queue.Dispose();
    }

    [NatsFact]
    public void What_a_queue_of_a_broker_does_not_have_is_refused()
    {
        using var test = new TestQueue(shared.Server);
        Messages.Fails(IpcErrors.NotSupported, () => test.Queue.Send("x"u8, new SendOptions { Priority = 1 }));
        Messages.Fails(IpcErrors.NotSupported, () => test.Queue.Receive(new MessageBuffer(), new ReceiveOptions { Type = 1 }));
        Messages.Fails(IpcErrors.NotSupported, () => test.Queue.Request("x"u8, new MessageBuffer()));
        Assert.DoesNotContain(IpcInventory.List([], all: false, out _), i => i.Address.Scheme == IpcScheme.Nats);
    }
}
