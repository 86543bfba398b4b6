namespace IpcPs.Messaging;

/// <summary>Puts messages together that came in fragments, those of several writers at once.</summary>
internal sealed class FragmentAssembler
{
    /// <summary>Messages under way at once that are kept; beyond that the one that waited longest is given up.</summary>
    private const int MaxUnderWay = 256;

    private const int FirstRoom = 1024 * 1024;

    private readonly Dictionary<ulong, Partial> _underWay = [];
    private Partial? _latest;
    private byte[] _spare = [];

    /// <summary>Messages given up because their last fragment never came.</summary>
    public long Abandoned { get; private set; }

    /// <summary>Adds a fragment.</summary>
    /// <returns>True when that completes the message, which is then in <paramref name="message"/>.</returns>
    public bool Add(in EnvelopeHeader header, ReadOnlySpan<byte> payload, MessageBuffer message, IpcAddress address)
    {
        var partial = Find(header, address);
        partial.Append(payload);
        if (partial.Length < header.MessageLength) return false;
        _underWay.Remove(header.WriterId);
        _latest = null;
        _spare = message.Swap(partial.Bytes, partial.Length);
        return true;
    }

    /// <summary>Gives up everything under way.</summary>
    /// <returns>Bytes that had arrived.</returns>
    public int DropAll()
    {
        var bytes = 0;
        foreach (var partial in _underWay.Values) bytes += partial.Length;
        Abandoned += _underWay.Count;
        _underWay.Clear();
        _latest = null;
        return bytes;
    }

    private Partial Find(in EnvelopeHeader header, IpcAddress address)
    {
        var partial = _latest;
        if (partial is null || partial.WriterId != header.WriterId) _underWay.TryGetValue(header.WriterId, out partial);
        if (header.Offset == 0)
        {
            if (partial is not null) Abandoned++;
            else if (_underWay.Count >= MaxUnderWay) GiveUpOldest();
            var bytes = _spare.Length >= header.MessageLength ? _spare : GC.AllocateUninitializedArray<byte>(Math.Min(header.MessageLength, FirstRoom));
            _spare = [];
            partial = new Partial(header.WriterId, header.MessageLength, bytes);
            _underWay[header.WriterId] = partial;
        }
        else if (partial is null || partial.Length != header.Offset || partial.Total != header.MessageLength)
        {
            throw new IpcException(IpcErrors.InvalidData, $"A fragment on '{address}' does not continue its message: it begins at {header.Offset} where {partial?.Length ?? 0} bytes had arrived.", address.Text,
                "Two receivers on one stream take each other's fragments: let one receive, or use a queue.");
        }
        return _latest = partial;
    }

    private void GiveUpOldest()
    {
        // A dictionary that only grew by insertion enumerates in that order; after removals "some old one" is good enough.
        foreach (var id in _underWay.Keys)
        {
            _underWay.Remove(id);
            Abandoned++;
            return;
        }
    }

    private sealed class Partial(ulong writerId, int total, byte[] bytes)
    {
        public ulong WriterId { get; } = writerId;
        public int Total { get; } = total;
        public byte[] Bytes { get; private set; } = bytes;
        public int Length { get; private set; }

        public void Append(ReadOnlySpan<byte> payload)
        {
            // Grows with what really arrived: a header alone makes nobody allocate what it claims.
            if (Length + payload.Length > Bytes.Length)
            {
                var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Total, Math.Max((long)Bytes.Length * 2, Length + payload.Length)));
                Bytes.AsSpan(0, Length).CopyTo(larger);
                Bytes = larger;
            }
            payload.CopyTo(Bytes.AsSpan(Length));
            Length += payload.Length;
        }
    }
}
