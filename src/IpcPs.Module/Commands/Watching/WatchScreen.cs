using System.Text;
using IpcPs.Watching;

namespace IpcPs.Module.Commands.Watching;

/// <summary>The terminal while a command draws on it: the alternate screen without a cursor, and the keys. Closing it restores
/// both.</summary>
internal sealed class WatchScreen : IDisposable
{
    // The alternate screen, no cursor, and no new line after the last column.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l";
    private const string Leave = "\e[?7h\e[?25h\e[?1049l";

    private readonly Stream _output = Console.OpenStandardOutput();
    private readonly TerminalKeys? _keys;

    public WatchScreen()
    {
        _keys = TerminalKeys.TryOpen();
        Write(Enter);
    }

    /// <summary>Draws a frame with one write, so that it appears at once.</summary>
    public void Show(IReadOnlyList<IpcSample> samples, bool hasColors) =>
        Write(WatchFrame.Draw(samples, DateTime.Now, Math.Max(Console.WindowWidth, 1), Math.Max(Console.WindowHeight, 1), hasColors));

    /// <summary>Waits until the deadline.</summary>
    /// <returns>Whether the user ended it: with q, or by closing the terminal.</returns>
    public bool WaitForQuit(in WaitOptions wait)
    {
        while (_keys is not null)
        {
            switch (_keys.Read(wait))
            {
                case null: return false;
                case 'q' or 'Q' or '\u0004': return true;
            }
        }
        Pause(wait);
        return false;
    }

    /// <summary>Waits until the deadline. Ctrl+C ends it.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void Pause(in WaitOptions wait)
    {
        wait.Cancellation.WaitHandle.WaitOne(wait.Deadline.Remaining);
        wait.Cancellation.ThrowIfCancellationRequested();
    }

    public void Dispose()
    {
        Write(Leave);
        _keys?.Dispose();
        _output.Dispose();
    }

    private void Write(string text) => _output.Write(Encoding.UTF8.GetBytes(text));
}
