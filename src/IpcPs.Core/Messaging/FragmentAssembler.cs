namespace IpcPs.Messaging;

/// <summary>Assembles messages from their fragments, for several writers at once.</summary>
internal sealed class FragmentAssembler
{
    /// <summary>How many incomplete messages are kept. One more, and an old one is dropped.</summary>
    private const int MaxIncomplete = 256;

    private readonly Dictionary<ulong, PartialMessage> _incomplete = [];
    private PartialMessage? _latest;
    private byte[] _spare = [];

    /// <summary>How many messages were dropped because their last fragment never arrived.</summary>
    public long Abandoned { get; private set; }

    /// <summary>Bytes of the incomplete messages.</summary>
    public long Bytes { get; private set; }

    /// <summary>Adds a fragment.</summary>
    /// <returns>True when it completes the message, which is then in <paramref name="message"/>.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: it is the last fragment of a message whose earlier ones did not
    /// arrive here. These are skipped, and reported once, at the message's end.</exception>
    public bool Add(in EnvelopeHeader header, ReadOnlySpan<byte> payload, MessageBuffer message, IpcAddress address)
    {
        if (Find(header) is not { } partial)
        {
            if (header.Offset + payload.Length < header.MessageLength) return false;
            throw new IpcException(
                IpcErrors.InvalidData,
                $"A message of {header.MessageLength} bytes on '{address}' was skipped, because an earlier part of it was not received "
                + "here.",
                address.Text, "Two receivers on one stream take each other's fragments: use one receiver, or a queue.")
            { IsOfOneMessage = true };
        }
        // One message may be as large as this. Several at once are limited to the same sum.
        while (Bytes + payload.Length > IpcChannel.MaxStreamMessage && DropOldest(partial))
        {
        }
        partial.Append(payload);
        Bytes += payload.Length;
        if (partial.Length < header.MessageLength) return false;
        Forget(partial);
        _spare = message.Swap(partial.Bytes, partial.Length);
        return true;
    }

    /// <summary>Drops all incomplete messages.</summary>
    /// <returns>How many bytes of them had arrived.</returns>
    public long DropAll()
    {
        var bytes = Bytes;
        Abandoned += _incomplete.Count;
        _incomplete.Clear();
        _latest = null;
        Bytes = 0;
        return bytes;
    }

    /// <summary>The message that a fragment continues, or begins; null if its earlier fragments are not here.</summary>
    private PartialMessage? Find(in EnvelopeHeader header)
    {
        var partial = _latest;
        if (partial is null || partial.WriterId != header.WriterId) _incomplete.TryGetValue(header.WriterId, out partial);
        if (partial is not null && partial.Length == header.Offset && partial.Total == header.MessageLength && header.Offset > 0)
            return _latest = partial;
        if (partial is not null) Drop(partial);
        if (header.Offset > 0) return null;
        if (_incomplete.Count >= MaxIncomplete) DropOldest(null);
        partial = new PartialMessage(header.WriterId, header.MessageLength, _spare.Length >= header.MessageLength ? _spare : []);
        _spare = [];
        _incomplete[header.WriterId] = partial;
        return _latest = partial;
    }

    private bool DropOldest(PartialMessage? except)
    {
        // A dictionary enumerates in the order of insertion until the first removal. After that, an old one is good enough.
        foreach (var partial in _incomplete.Values)
        {
            if (partial == except) continue;
            Drop(partial);
            return true;
        }
        return false;
    }

    private void Drop(PartialMessage partial)
    {
        Abandoned++;
        Forget(partial);
    }

    private void Forget(PartialMessage partial)
    {
        _incomplete.Remove(partial.WriterId);
        Bytes -= partial.Length;
        if (_latest == partial) _latest = null;
    }

    private sealed class PartialMessage(ulong writerId, int total, byte[] bytes)
    {
        public ulong WriterId { get; } = writerId;
        public int Total { get; } = total;
        public byte[] Bytes { get; private set; } = bytes;
        public int Length { get; private set; }

        public void Append(ReadOnlySpan<byte> payload)
        {
            // Grows with the bytes that arrive: a header that claims a huge length must not cost that much memory.
            if (Length + payload.Length > Bytes.Length)
            {
                var larger = MessageBuffer.Allocate((int)Math.Min(Total, (Length + payload.Length) * 4L));
                Bytes.AsSpan(0, Length).CopyTo(larger);
                Bytes = larger;
            }
            payload.CopyTo(Bytes.AsSpan(Length));
            Length += payload.Length;
        }
    }
}
