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
    private readonly Action<IpcException> _onFailed;
    private readonly Thread _thread;

    /// <summary>Starts to move messages.</summary>
    /// <param name="from">The kind of the transport to read, whose reader inherits no descriptors.</param>
    /// <param name="readerConnectionString">How its reading end is opened.</param>
    /// <param name="into">The kind of the transport to write to.</param>
    /// <param name="writerConnectionString">How its writing end is opened.</param>
    /// <param name="onOpened">Called, on another thread, when both ends are open.</param>
    /// <param name="onFailed">Called, on another thread, if an end could not be opened, or a message could not be moved.</param>
    /// <param name="cancellation">Ends it.</param>
    public TransportRelay(JobTransportFactory from, string readerConnectionString, JobTransportFactory into, string writerConnectionString,
        Action onOpened, Action<IpcException> onFailed, CancellationToken cancellation)
    {
        (_from, _into, _onOpened, _onFailed) = (from, into, onOpened, onFailed);
        _ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _ended = _ending.Token;
        _thread = new Thread(() => Run(readerConnectionString, writerConnectionString)) { IsBackground = true, Name = "IpcPs relay" };
        _thread.Start();
    }

    /// <summary>All messages come to their end: when the last one was moved, the writing end may be closed. Until this is called it stays
    /// open, so that its reader does not see the end before that.</summary>
    public void Release() => _released.Set();

    /// <summary>Ends it, also in the middle, and closes both ends.</summary>
    public void Dispose()
    {
        _ending.Cancel();
        _thread.Join();
        _ending.Dispose();
        _released.Dispose();
    }

    private void Run(string readerConnectionString, string writerConnectionString)
    {
        JobTransportReader? reader = null;
        IpcChannel? writer = null;
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
            if (writer is null || !JobTransport.IsReaderGone(e)) _onFailed(e);
        }
        finally
        {
            // At once, so that a reader that has ended no longer holds the writer of the broadcast back.
            reader?.Dispose();
            if (writer is { IsClosed: false }) _into.CloseWriter(writer);
        }
    }

    private void Move(JobTransportReader reader, IpcChannel writer)
    {
        using var sender = new BufferedSender(writer, _ended);
        var message = new MessageBuffer();
        while (reader.Receive(message)) sender.Send(message.Span, Objects);
        sender.Flush();
    }
}
