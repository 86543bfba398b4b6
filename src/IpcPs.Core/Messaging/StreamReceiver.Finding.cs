using System.Buffers;
using System.Text.Unicode;

namespace IpcPs.Messaging;

/// <content>Where a message begins, after bytes that are not one.</content>
internal sealed partial class StreamReceiver
{
    // A longer piece without a line break is not looked at as a line: it would be searched again with each read.
    private const int MaxCandidate = 64 * 1024;

    private static readonly SearchValues<byte> NotInText =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(static b => (byte)b).Except("\t\n\r\f\b\e"u8.ToArray()), 127]);

    private bool _isLost;
    private bool _isAfterLine;
    private byte _searchedFor = (byte)'\n';

    /// <summary>Reads the header of the envelope that begins here.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>, <see cref="IpcErrors.MessageTooLarge"/>.</exception>
    private bool TryReadHeader(out EnvelopeHeader header)
    {
        try
        {
            if (!EnvelopeHeader.TryRead(Unread, (int)channel.MaxMessageSize, channel.Address, out header)) return false;
        }
        catch (IpcException e)
        {
            e.IsOfOneMessage = Lose();
            throw;
        }
        if (header.IsFragment && !channel.HasFragments)
        {
            throw new IpcException(IpcErrors.InvalidData,
                $"A fragment arrived on '{channel.Address}'. A connection has one writer, which sends each message whole.",
                channel.Address.Text);
        }
        return true;
    }

    /// <summary>The end of the line that begins here; -1 if it has not arrived.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidData"/>: an envelope begins before that.</exception>
    private int FindLineEnd(IpcDelimiter delimiter)
    {
        var last = delimiter.LastByte();
        // An earlier receive searched for another one.
        if (last != _searchedFor) _searched = 0;
        _searchedFor = last;
        while (true)
        {
            var found = channel.HasFragments
                ? Unread[_searched..].IndexOfAny(last, EnvelopeHeader.Marker)
                : Unread[_searched..].IndexOf(last);
            if (found < 0)
            {
                _searched = _end - _start;
                return -1;
            }
            found += _searched;
            if (Unread[found] == last) return found;
            // No UTF-8 has this byte. If a valid header follows, then what is before it is the rest of a message that another reader began.
            _searched = found;
            if (TryFindHeader(Unread[found..]) is not { } isHeader) return -1;
            _searched++;
            if (!isHeader) continue;
            Consume(found);
            throw new IpcException(IpcErrors.InvalidData,
                $"{found} bytes on '{channel.Address}' were skipped, because they are not a message: most likely the end of one whose "
                + "beginning another reader received.", channel.Address.Text,
                "Several readers of one pipe take parts of each other's messages: use one reader, or a queue.")
            { IsOfOneMessage = true };
        }
    }

    /// <summary>After bytes that are not a message: on a pipe, the next receive looks for the next message.</summary>
    /// <returns>Whether it does.</returns>
    private bool Lose()
    {
        if (!channel.HasFragments) return false;
        // What was reported is not reported again.
        var isMarker = _buffer[_start] == EnvelopeHeader.Marker;
        Consume(isMarker || _searched == 0 ? 1 : _searched);
        _isLost = true;
        _isAfterLine = false;
        return true;
    }

    /// <summary>Skips to the next envelope, or, unless only an Object is wanted, to the beginning of the next line that is text.</summary>
    /// <returns>False if it has not arrived.</returns>
    private bool FindMessage(in ReceiveOptions options)
    {
        var last = options.Delimiter.LastByte();
        while (_start < _end)
        {
            var unread = Unread;
            if (unread[0] == EnvelopeHeader.Marker)
            {
                if (TryFindHeader(unread) is not { } isHeader) return false;
                if (isHeader) return Found();
                Consume(1);
                _isAfterLine = false;
                continue;
            }
            var next = unread.IndexOfAny(last, EnvelopeHeader.Marker);
            if (_isAfterLine && options.Format != IpcFormat.Object)
            {
                var line = next < 0 ? unread : unread[..next];
                if (next < 0 && line.Length < MaxCandidate && !line.ContainsAny(NotInText)) return false;
                if (next >= 0 && unread[next] == last && Utf8.IsValid(line) && !line.ContainsAny(NotInText)) return Found();
            }
            _isAfterLine = next >= 0 && unread[next] == last;
            Consume(next < 0 ? unread.Length : _isAfterLine ? next + 1 : next);
        }
        return false;
    }

    private bool Found()
    {
        _isLost = false;
        return true;
    }

    /// <summary>Whether an envelope begins there that one write to a pipe can contain; null if more bytes are needed.</summary>
    private static bool? TryFindHeader(ReadOnlySpan<byte> bytes)
    {
        if (EnvelopeHeader.TryRead(bytes, IpcChannel.MaxStreamMessage, out var header, out var problem))
            return header.Size + header.PayloadLength <= StreamSender.MaxPipeWrite;
        return problem == default ? null : false;
    }
}
