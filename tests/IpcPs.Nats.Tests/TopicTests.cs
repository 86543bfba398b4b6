using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Readiness;

namespace IpcPs.Nats.Tests;

/// <summary>Topics: messages for every subscriber, and requests.</summary>
[Collection(OneServer.Name)]
public sealed class TopicTests(SharedServer shared)
{
    [NatsFact]
    public void Every_subscriber_gets_a_message()
    {
        var name = TestQueue.UniqueName();
        using var first = Open(name, IpcAccess.Read);
        using var second = Open(name, IpcAccess.Read);
        using var sender = Open(name, IpcAccess.Write);
        sender.SendText("news");
        Assert.Equal(["news", "news"], new[] { first.ReceiveText(), second.ReceiveText() });
        Messages.Fails(IpcErrors.Empty, () => first.Receive(new MessageBuffer(), default, Deadline.Immediate));
    }

    [NatsFact]
    public void A_pattern_receives_several_topics_and_sends_to_none()
    {
        var name = TestQueue.UniqueName();
        using var all = Open(name + ".>", IpcAccess.ReadWrite);
        using var sender = Open(name + ".a.b", IpcAccess.Write);
        sender.SendText("x");
        Assert.Equal("x", all.ReceiveText());
        var error = Messages.Fails(IpcErrors.NotSupported, () => all.SendText("y"));
        Assert.Equal($"'{all.Address}' is a pattern: it can only be received from.", error.Message);
    }

    [NatsFact]
    public async Task A_request_is_answered_by_IpcPs_and_by_a_raw_socket()
    {
        var name = TestQueue.UniqueName();
        using var client = Open(name, IpcAccess.Write);
        var reply = new MessageBuffer();
        var alone = Messages.Fails(IpcErrors.NoPeer, () => client.Request("?"u8, reply, Messages.Text, TestQueue.Limit));
        Assert.Equal($"No program receives requests on '{client.Address}'.", alone.Message);
        using (var server = Open(name, IpcAccess.Read))
        {
            var answering = Task.Run(() =>
            {
                var message = new MessageBuffer();
                server.Receive(message, default, TestQueue.Limit);
                message.ReplyChannel!.Send(message.Payload.Span, Messages.Text, TestQueue.Limit);
            });
            client.Request("echo"u8, reply, Messages.Text, TestQueue.Limit);
            Assert.Equal("echo", Encoding.UTF8.GetString(reply.Payload.Span));
            await answering;
        }
        using var peer = new RawPeer(shared.Server);
        peer.Subscribe(name);
        var raw = Task.Run(() =>
        {
            var (body, replyTo) = peer.ReceiveWithReply();
            peer.Publish(replyTo!, body + "!");
            peer.Ping();
        });
        client.Request("hi"u8, reply, Messages.Text, TestQueue.Limit);
        Assert.Equal("hi!", Encoding.UTF8.GetString(reply.Payload.Span));
        await raw;
        peer.Subscribe(name + ".silent");
        using var silent = Open(name + ".silent", IpcAccess.Write);
        Messages.Fails(IpcErrors.Timeout, () => silent.Request("?"u8, reply, Messages.Text, Deadline.After(TimeSpan.FromSeconds(0.3))));
    }

    [NatsFact]
    public void A_slow_subscriber_learns_how_many_messages_it_lost()
    {
        const int sent = 70_000;
        var name = TestQueue.UniqueName();
        using var receiver = Open(name, IpcAccess.Read);
        using var sender = Open(name, IpcAccess.Write);
        sender.SendMany(Enumerable.Repeat((ReadOnlyMemory<byte>)new byte[] { 1 }, sent), default, TestQueue.Limit);
        var message = new MessageBuffer();
        long received = 0, lost = 0, more = 0;
        // What was lost is reported with the next message: one more each time.
        Wait.Until(() =>
        {
            sender.SendText("more");
            more++;
            while (TryReceive())
            {
                received++;
                lost += message.Lost;
            }
            return received + lost >= sent + more;
        }, TimeSpan.FromSeconds(30), "all messages");
        Assert.Equal(sent + more, received + lost);
        Assert.True(lost > 0);

        bool TryReceive()
        {
            try
            {
                return receiver.Receive(message, default, Deadline.Immediate);
            }
            catch (IpcException e) when (e.Id == IpcErrors.Empty)
            {
                return false;
            }
        }
    }

    [NatsFact]
    public void A_wait_for_several_objects_sees_a_message()
    {
        using var topic = Open(TestQueue.UniqueName(), IpcAccess.ReadWrite);
        using var watch = topic.CreateWatch();
        Assert.Equal(-1, ReadinessWaiter.UntilAny([watch], out _, Deadline.After(TimeSpan.FromSeconds(0.1))));
        topic.SendText("x");
        Assert.Equal(0, ReadinessWaiter.UntilAny([watch], out _, TestQueue.Limit));
        Assert.Equal("x", topic.ReceiveText());
    }

    [NatsFact]
    public void A_topic_is_not_created_and_not_removed()
    {
        var address = shared.Server.Address("a.b?type=topic");
        Messages.Fails(IpcErrors.NotSupported, () => IpcMechanisms.For(IpcScheme.Nats).Remove(address));
        Messages.Fails(IpcErrors.NotSupported,
            () => IpcMechanisms.Broker(IpcScheme.Nats).Create(address, new Brokers.BrokerQueueOptions(), null, false, TestQueue.Limit));
    }

    private NatsTopic Open(string subject, IpcAccess access) => (NatsTopic)IpcMechanisms.Open(
        shared.Server.Address(subject + "?type=topic"), new OpenOptions { Access = access }, TestQueue.Limit);
}
