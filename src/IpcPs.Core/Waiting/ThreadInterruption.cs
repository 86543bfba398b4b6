namespace IpcPs.Waiting;

/// <summary>Gets a thread out of a system call that it is blocked in. Whether it has entered the call cannot be known, so it is poked again and again until it says
/// that it has left.</summary>
internal abstract class ThreadInterruption
{
    private const int MillisecondsBetween = 1;

    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _hasLeft;

    /// <summary>Called by the thread itself, when it makes the call no more.</summary>
    public void Leave()
    {
        lock (this)
        {
            _hasLeft = true;
            Monitor.PulseAll(this);
        }
    }

    /// <summary>Pokes the thread until it has left.</summary>
    public void Interrupt()
    {
        // A token that was cancelled before calls back while it is registered with, on the thread that is to make the call: it looks itself before it does.
        if (Environment.CurrentManagedThreadId == _thread) return;
        lock (this)
        {
            while (!_hasLeft)
            {
                Poke();
                Monitor.Wait(this, MillisecondsBetween);
            }
        }
    }

    /// <summary>Makes the call return, if the thread is in it.</summary>
    protected abstract void Poke();
}
