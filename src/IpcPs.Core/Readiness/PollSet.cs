using System.Runtime.InteropServices;

namespace IpcPs.Readiness;

/// <summary>The descriptors of one ppoll(2). They stay open until it is disposed, also if another thread closes their object.</summary>
internal sealed class PollSet : IDisposable
{
    private readonly List<SafeDescriptor> _held = [];
    private readonly List<Libc.PollFd> _polls = [];

    public Span<Libc.PollFd> Span => CollectionsMarshal.AsSpan(_polls);

    /// <summary>Adds a descriptor, which is polled for input.</summary>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public void Add(SafeDescriptor descriptor)
    {
        var added = false;
        descriptor.DangerousAddRef(ref added);
        _held.Add(descriptor);
        _polls.Add(new Libc.PollFd { Descriptor = descriptor.Number, Requested = PollEvents.In });
    }

    /// <summary>Adds descriptors that live as long as the process.</summary>
    public void Add(List<Libc.PollFd> polls) => _polls.AddRange(polls);

    public void Dispose()
    {
        foreach (var descriptor in _held) descriptor.DangerousRelease();
        _held.Clear();
        _polls.Clear();
    }
}
