using System.Diagnostics;
using System.Globalization;
using IpcPs.Locks;
using IpcPs.SharedMemory;

namespace IpcPs.Measurement;

/// <summary>Messages in shared memory that semaphores guard: the producer and consumer of every textbook. The segment is divided into
/// places of one message; one semaphore counts those that are free, one those that are filled, and one the answers.</summary>
/// <remarks>Calls: those of <see cref="PosixSharedMemory"/> and <see cref="PosixSemaphore"/>. Every message is copied twice: into the
/// segment, and out of it.</remarks>
public sealed class MemoryLoad : IDisposable
{
    private const int MostPlaces = 64;

    // What fits into the cache of a core is not evicted by the other places.
    private const int WantedBytes = 1024 * 1024;

    private readonly PosixSharedMemory _memory;
    private readonly PosixSemaphore _free;
    private readonly PosixSemaphore _filled;
    private readonly PosixSemaphore _answered;
    private readonly bool _isOwner;
    private readonly int _size;
    private readonly int _places;
    private readonly byte[] _received;
    private int _next;

    private MemoryLoad(string name, int size, bool isOwner)
    {
        (_isOwner, _size, Name) = (isOwner, size, name);
        _places = Math.Clamp(WantedBytes / size, 1, MostPlaces);
        _received = new byte[size];
        var made = new List<IpcObject>();
        try
        {
            var address = Address("shm:/");
            _memory = Keep(isOwner ? PosixSharedMemory.Create(address, (long)_places * size) : PosixSharedMemory.Open(address));
            _free = Keep(Semaphore("-free", _places));
            _filled = Keep(Semaphore("-filled", 0));
            _answered = Keep(Semaphore("-answered", 0));
        }
        catch
        {
            foreach (var one in made) Close(one);
            throw;
        }

        T Keep<T>(T one)
            where T : IpcObject
        {
            made.Add(one);
            return one;
        }
    }

    /// <summary>What the peer opens it by, with <see cref="Open"/>.</summary>
    public string Name { get; }

    /// <summary>Creates the segment and the semaphores. Disposing removes them.</summary>
    /// <param name="size">Bytes a message.</param>
    /// <exception cref="IpcException">What creating throws.</exception>
    public static MemoryLoad Create(int size) => new($"ipcps-measure-{Guid.NewGuid():n}", size, isOwner: true);

    /// <summary>Opens what the other process created.</summary>
    /// <exception cref="IpcException">What opening throws.</exception>
    public static MemoryLoad Open(string name, int size) => new(name, size, isOwner: false);

    /// <summary>Writes messages, without waiting for an answer. The other process runs <see cref="Count"/>.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>.</exception>
    public void Pour(ReadOnlySpan<byte> payload, int count, in WaitOptions wait)
    {
        for (; count > 0; count--)
        {
            _free.Acquire(wait);
            _memory.Write(NextPlace(), payload);
            _filled.Release();
        }
    }

    /// <summary>Reads messages.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>.</exception>
    public void Count(int count, in WaitOptions wait)
    {
        for (; count > 0; count--)
        {
            _filled.Acquire(wait);
            _memory.Read(NextPlace(), _received.AsSpan());
            _free.Release();
        }
    }

    /// <summary>Writes messages, and waits for each one's echo in the same place. The other process runs <see cref="Echo"/>.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="count">Round trips.</param>
    /// <param name="wait">How long to wait.</param>
    /// <param name="ticks">Receives the time of each, in ticks of <see cref="Stopwatch"/>; empty if they are not wanted.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>; <see cref="IpcErrors.InvalidData"/>: it is no echo.</exception>
    public void RoundTrips(ReadOnlySpan<byte> payload, int count, in WaitOptions wait, Span<long> ticks = default)
    {
        var last = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            _memory.Write(0, payload);
            _filled.Release();
            _answered.Acquire(wait);
            _memory.Read(0, _received.AsSpan());
            if (_received[^1] != (byte)~payload[^1])
                throw new IpcException(IpcErrors.InvalidData, "The echo is not what was sent.", _memory.Address.Text);
            if (ticks.IsEmpty) continue;
            var now = Stopwatch.GetTimestamp();
            ticks[i] = now - last;
            last = now;
        }
    }

    /// <summary>Reads each message, and writes it back with its last byte inverted.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Timeout"/>.</exception>
    public void Echo(int count, in WaitOptions wait)
    {
        for (; count > 0; count--)
        {
            _filled.Acquire(wait);
            _memory.Read(0, _received.AsSpan());
            // The echo is in the same place: without a difference, an echo that was not written would not be noticed.
            _received[^1] ^= 0xFF;
            _memory.Write<byte>(0, _received);
            _answered.Release();
        }
    }

    /// <summary>Closes the segment and the semaphores. The process that created them removes them.</summary>
    public void Dispose()
    {
        foreach (var one in new IpcObject[] { _memory, _free, _filled, _answered }) Close(one);
    }

    private void Close(IpcObject one)
    {
        one.Dispose();
        if (!_isOwner) return;
        try
        {
            Mechanisms.IpcMechanisms.For(one.Address.Scheme).Remove(one.Address);
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound)
        {
            // It is gone.
        }
    }

    private long NextPlace() => (long)(_next++ % _places) * _size;

    private PosixSemaphore Semaphore(string suffix, int count) =>
        _isOwner ? PosixSemaphore.Create(Address("sem:/", suffix), count) : PosixSemaphore.Open(Address("sem:/", suffix));

    private IpcAddress Address(string scheme, string suffix = "") =>
        IpcAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"{scheme}{Name}{suffix}"));
}
