namespace IpcPs.Messaging;

/// <summary>Assembles messages from their fragments, for several writers at once.</summary>
internal sealed class FragmentAssembler
{
    /// <summary>How many incomplete messages are kept. One more, and an old one is dropped.</summary>
    private const int MaxIncomplete = 256;

    private const int InitialCapacity = 1024 * 1024;

    private readonly Dictionary<ulong, PartialMessage> _incomplete = [];
    private PartialMessage? _latest;
    private byte[] _spare = [];

    /// <summary>How many messages were dropped because their last fragment never arrived.</summary>
    public long Abandoned { get; private set; }

    /// <summary>Adds a fragment.</summary>
    /// <returns>True when it completes the message, which is then in <paramref name="message"/>.</returns>
    public bool Add(in EnvelopeHeader header, ReadOnlySpan<byte> payload, MessageBuffer message, IpcAddress address)
    {
        var partial = Find(header, address);
        partial.Append(payload);
        if (partial.Length < header.MessageLength) return false;
        _incomplete.Remove(header.WriterId);
        _latest = null;
        _spare = message.Swap(partial.Bytes, partial.Length);
        return true;
    }

    /// <summary>Drops all incomplete messages.</summary>
    /// <returns>How many bytes of them had arrived.</returns>
    public int DropAll()
    {
        var bytes = 0;
        foreach (var partial in _incomplete.Values) bytes += partial.Length;
        Abandoned += _incomplete.Count;
        _incomplete.Clear();
        _latest = null;
        return bytes;
    }

    private PartialMessage Find(in EnvelopeHeader header, IpcAddress address)
    {
        var partial = _latest;
        if (partial is null || partial.WriterId != header.WriterId) _incomplete.TryGetValue(header.WriterId, out partial);
        if (header.Offset == 0)
        {
            if (partial is not null) Abandoned++;
            else if (_incomplete.Count >= MaxIncomplete) DropOldest();
            var capacity = Math.Min(header.MessageLength, InitialCapacity);
            var bytes = _spare.Length >= header.MessageLength ? _spare : GC.AllocateUninitializedArray<byte>(capacity);
            _spare = [];
            partial = new PartialMessage(header.WriterId, header.MessageLength, bytes);
            _incomplete[header.WriterId] = partial;
        }
        else if (partial is null || partial.Length != header.Offset || partial.Total != header.MessageLength)
        {
            throw new IpcException(
                IpcErrors.InvalidData,
                $"A fragment on '{address}' begins at byte {header.Offset} of its message, but {partial?.Length ?? 0} bytes have arrived.",
                address.Text, "Two receivers on one stream take each other's fragments: use one receiver, or a queue.");
        }
        return _latest = partial;
    }

    private void DropOldest()
    {
        // A dictionary enumerates in the order of insertion until the first removal. After that, an old one is good enough.
        foreach (var id in _incomplete.Keys)
        {
            _incomplete.Remove(id);
            Abandoned++;
            return;
        }
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
                var capacity = Math.Min(Total, Math.Max((long)Bytes.Length * 2, Length + payload.Length));
                var larger = GC.AllocateUninitializedArray<byte>((int)capacity);
                Bytes.AsSpan(0, Length).CopyTo(larger);
                Bytes = larger;
            }
            payload.CopyTo(Bytes.AsSpan(Length));
            Length += payload.Length;
        }
    }
}
