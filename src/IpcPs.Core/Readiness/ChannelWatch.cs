using IpcPs.Messaging;

namespace IpcPs.Readiness;

/// <summary>The watch of a channel that has a descriptor to poll.</summary>
internal sealed unsafe class ChannelWatch(IpcChannel channel) : ReadinessWatch
{
    internal override CancellationToken Ending => channel.Ending;

    public override ReadyState Check()
    {
        if (channel.IsClosed || channel.Ending.IsCancellationRequested) return ReadyState.Failed;
        try
        {
            var ready = channel.ReadyWithoutDescriptor();
            return ready != ReadyState.None ? ready : Poll(Descriptor);
        }
        catch (Exception e) when (e is IpcException or ObjectDisposedException)
        {
            return ReadyState.Failed;
        }
    }

    internal override void AddTo(PollSet polls) => polls.Add(Descriptor);

    private SafeDescriptor Descriptor => channel.ReadinessDescriptor(Deadline.Immediate)!;

    private static ReadyState Poll(SafeDescriptor descriptor)
    {
        var poll = new Libc.PollFd { Descriptor = descriptor.Number, Requested = PollEvents.In | PollEvents.PeerHangUp };
        var now = default(Libc.Timespec);
        if (Libc.ppoll(&poll, 1, &now, null) <= 0) return ReadyState.None;
        if ((poll.Returned & (PollEvents.HangUp | PollEvents.PeerHangUp)) == 0)
            return (poll.Returned & PollEvents.In) != 0 ? ReadyState.Message : ReadyState.Failed;
        // The peer has closed, and the kernel may still have what it sent before. A broken connection is readable, too.
        int bytes;
        return Libc.ioctl(descriptor, Libc.FIONREAD, &bytes) == 0 && bytes > 0 ? ReadyState.Message
            : (poll.Returned & PollEvents.Error) != 0 ? ReadyState.Failed : ReadyState.Ended;
    }
}
