namespace IpcPs.SharedMemory;

/// <summary>A seekable stream over shared memory, without a buffer. Its length is the size of the memory when it was created.</summary>
internal sealed class SharedMemoryStream(SharedMemorySegment memory) : Stream
{
    private long _position;

    public override bool CanRead => !memory.IsClosed;

    public override bool CanSeek => !memory.IsClosed;

    public override bool CanWrite => !memory.IsClosed && !memory.IsReadOnly;

    public override long Length { get; } = memory.Size;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Clamp(Length - _position, 0, buffer.Length);
        if (count == 0) return 0;
        memory.Read(_position, buffer[..count]);
        _position += count;
        return count;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        memory.Write(_position, buffer);
        _position += buffer.Length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void SetLength(long value) =>
        throw new NotSupportedException("A stream over shared memory has a fixed length. Resize the memory and create a new stream.");

    public override void Flush()
    {
        // There is no buffer.
    }
}
