namespace IpcPs.Watching;

/// <summary>The keys of this process's terminal, one by one and without an echo, for as long as it is open. Ctrl+C stays a
/// signal.</summary>
/// <remarks>Calls: tcgetattr(3), tcsetattr(3), ppoll(2), read(2).</remarks>
public sealed unsafe class TerminalKeys : IDisposable
{
    private readonly SafeDescriptor _input = new(0, ownsHandle: false);
    private Libc.Termios _before;
    private bool _isClosed;

    private TerminalKeys(in Libc.Termios before) => _before = before;

    /// <summary>Begins to read keys; null where standard input is not a terminal.</summary>
    public static TerminalKeys? TryOpen()
    {
        Libc.Termios modes;
        if (Libc.tcgetattr(0, &modes) != 0) return null;
        var keys = new TerminalKeys(modes);
        modes.LocalModes &= ~(Libc.ICANON | Libc.ECHO);
        return Libc.tcsetattr(0, Libc.TCSADRAIN, &modes) == 0 ? keys : null;
    }

    /// <summary>Waits for a key.</summary>
    /// <returns>Its first byte; 4 (Ctrl+D) when the terminal has gone; null when the deadline passed.</returns>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public char? Read(in WaitOptions wait)
    {
        if (!Waiter.Poll(_input, PollEvents.In, wait)) return null;
        // A key may be several bytes, which come at once.
        var bytes = stackalloc byte[64];
        return Libc.read(_input, bytes, 64) > 0 ? (char)bytes[0] : '\u0004';
    }

    /// <summary>Gives the terminal the modes that it had before.</summary>
    public void Dispose()
    {
        if (_isClosed) return;
        _isClosed = true;
        fixed (Libc.Termios* before = &_before) _ = Libc.tcsetattr(0, Libc.TCSADRAIN, before);
        _input.Dispose();
    }
}
