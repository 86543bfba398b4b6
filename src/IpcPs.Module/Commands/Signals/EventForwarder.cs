using System.Collections.Concurrent;
using System.Management.Automation;

namespace IpcPs.Module.Commands.Signals;

/// <summary>Hands signals to PowerShell's event manager, one after the other and never on the thread that reads them: where the session is at its prompt, the manager runs the
/// event's action before it returns. No script block runs on our threads; the manager has them run by the session's own.</summary>
internal sealed class EventForwarder(PSEventManager events)
{
    private readonly ConcurrentQueue<Action> _waiting = new();
    private int _isRunning;

    public void Post(string identifier, object sender, EventArgs args, PSObject? messageData) =>
        // "In this thread" is about queueing the event: otherwise the manager hands it to the thread pool, where a later one may come first.
        Post(() => events.GenerateEvent(identifier, sender, [sender, args], messageData, processInCurrentThread: true, waitForCompletionInCurrentThread: false));

    public void Post(Action action)
    {
        _waiting.Enqueue(action);
        if (Interlocked.Exchange(ref _isRunning, 1) == 0) ThreadPool.UnsafeQueueUserWorkItem(static f => f.Run(), this, preferLocal: false);
    }

    private void Run()
    {
        do
        {
            while (_waiting.TryDequeue(out var action)) Perform(action);
            Volatile.Write(ref _isRunning, 0);
            // One that was posted between the two lines saw that we were running.
        }
        while (!_waiting.IsEmpty && Interlocked.Exchange(ref _isRunning, 1) == 0);
    }

    private static void Perform(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is InvalidOperationException or PSInvalidOperationException)
        {
            // The session is closing: nobody is there to be told.
        }
    }
}
