using IpcPs.Messaging;

namespace IpcPs.Transports;

/// <summary>Moves the messages of one transport into another one, on a thread of its own. So a process whose input comes through one
/// transport can read a broadcast too. If it does not read on, the relay waits, and so does the broadcast's writer.</summary>
public sealed class TransportRelay : IDisposable
{
    private static readonly SendOptions Objects = new() { Format = IpcFormat.Object };

    private readonly JobTransportFactory _from;
    private readonly JobTransportFactory _into;
    private readonly CancellationTokenSource _ending;
    private readonly CancellationToken _ended;
    private readonly ManualResetEventSlim _released = new();
    private readonly Action _onOpened;
    private readonly Action<IpcException?> _onEnded;
    private readonly Thread _thread;

    /// <summary>Starts to move messages.</summary>
    /// <param name="from">The kind of the transport to read, whose reader inherits no descriptors.</param>
    /// <param name="readerConnectionString">How its reading end is opened.</param>
    /// <param name="into">The kind of the transport to write to.</param>
    /// <param name="writerConnectionString">How its writing end is opened.</param>
    /// <param name="onOpened">Called, on another thread, when both ends are open.</param>
    /// <param name="onEnded">Called, on another thread, when both ends are closed; with an error if an end could not be opened, or a
    /// message could not be moved.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.LimitReached"/>: no thread is left.</exception>
    public TransportRelay(JobTransportFactory from, string readerConnectionString, JobTransportFactory into, string writerConnectionString,
        Action onOpened, Action<IpcException?> onEnded, CancellationToken cancellation)
    {
        (_from, _into, _onOpened, _onEnded) = (from, into, onOpened, onEnded);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _ended = _ending.Token;
        _thread = BackgroundThread.Start("IpcPs relay", () => Run(readerConnectionString, writerConnectionString));
    }

    /// <summary>When the last message was moved, the writing end may be closed. Until this is called it stays open, so that its reader does
    /// not see the end before that.</summary>
    public void Release() => _released.Set();

    /// <summary>Ends it, also in the middle, and closes both ends.</summary>
    public void Dispose()
    {
        _ending.Cancel();
        // Also called where it reports its end.
        if (Thread.CurrentThread != _thread) _thread.Join();
        _ending.Dispose();
        _released.Dispose();
    }

    private void Run(string readerConnectionString, string writerConnectionString)
    {
        JobTransportReader? reader = null;
        IpcChannel? writer = null;
        IpcException? error = null;
        try
        {
            reader = _from.OpenReader(readerConnectionString, [], _ended);
            writer = _into.OpenWriter(writerConnectionString, _ended);
            _onOpened();
            Move(reader, writer);
            reader.Dispose();
            _released.Wait(_ended);
        }
        catch (OperationCanceledException)
        {
            // It was disposed.
        }
        catch (IpcException e)
        {
            // The process that reads the other transport may have ended. That is no failure.
            if (writer is null || !JobTransport.IsReaderGone(e)) error = e;
        }
        finally
        {
            // At once, so that a reader that has ended no longer holds the writer of the broadcast back.
            reader?.Dispose();
            if (writer is { IsClosed: false }) _into.CloseWriter(writer);
        }
        _onEnded(error);
    }

    private void Move(JobTransportReader reader, IpcChannel writer)
    {
        using var sender = new BufferedSender(writer, _ended);
        var message = new MessageBuffer();
        while (reader.Receive(message)) sender.Send(message.Span, Objects);
        sender.Flush();
    }
}
