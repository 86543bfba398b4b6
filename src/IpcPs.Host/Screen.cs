using System.Management.Automation;
using System.Management.Automation.Internal;
using System.Text;

namespace IpcPs.Host;

/// <summary>Where text goes: standard output and standard error, either of which may be a terminal. Takes the progress line out of the
/// way first, and the colours out of what no terminal shows.</summary>
internal sealed class Screen
{
    private readonly Lock _lock = new();
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private string _progress = "";
    private bool _midLine;

    /// <param name="onOutputClosed">Called when nobody reads standard output any more.</param>
    public Screen(Action onOutputClosed)
    {
        _output = Writer(1, onOutputClosed);
        // Errors that nobody wants to read are no reason to stop.
        _error = Writer(2, static () => { });
        var hasCapableTerminal = Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        OutputIsTerminal = !Console.IsOutputRedirected;
        ErrorIsTerminal = !Console.IsErrorRedirected;
        OutputHasColour = OutputIsTerminal && hasCapableTerminal;
        ErrorHasColour = ErrorIsTerminal && hasCapableTerminal;
        ShowsProgress = ErrorHasColour;
    }

    public bool OutputIsTerminal { get; }

    public bool ErrorIsTerminal { get; }

    /// <summary>Whether escape sequences do what they should on standard output.</summary>
    public bool OutputHasColour { get; }

    /// <summary>Whether escape sequences do what they should on standard error.</summary>
    public bool ErrorHasColour { get; }

    /// <summary>Whether progress is drawn: on a terminal only, and on standard error, so that it never gets into the data.</summary>
    public bool ShowsProgress { get; }

    public void Write(string text)
    {
        if (text.Length == 0) return;
        lock (_lock)
        {
            HideProgress();
            _output.Write(Render(text, OutputHasColour));
            if (OutputIsTerminal) _midLine = text[^1] != '\n';
            DrawProgress();
        }
    }

    /// <summary>Moves the cursor and the like: sequences that are no colours, and that only a capable terminal is sent.</summary>
    public void Control(string sequence)
    {
        lock (_lock)
        {
            HideProgress();
            _output.Write(sequence);
            _midLine = sequence[^1] != '\n';
        }
    }

    public void WriteError(string text)
    {
        lock (_lock)
        {
            HideProgress();
            _error.Write(Render(text, ErrorHasColour));
            DrawProgress();
        }
    }

    /// <summary>Shows one line at the bottom until the next call; an empty one takes it away.</summary>
    public void ShowProgress(string line)
    {
        if (!ShowsProgress) return;
        lock (_lock)
        {
            if (line == _progress) return;
            HideProgress();
            _progress = line;
            DrawProgress();
        }
    }

    // Only where the cursor is at a line's start: an unfinished line (a prompt, Write-Host -NoNewline) is not overwritten.
    private void DrawProgress()
    {
        if (_progress.Length > 0 && !_midLine) _error.Write("\r" + _progress + "\x1b[K");
    }

    private void HideProgress()
    {
        if (_progress.Length > 0 && !_midLine) _error.Write("\r\x1b[K");
    }

    private static StreamWriter Writer(int descriptor, Action onClosed) =>
        new(new DescriptorStream(descriptor, onClosed), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 4096) { AutoFlush = true };

    // 'Host', the default, means as the terminal can; the two others are the user's own choice.
    private static string Render(string text, bool hasColour)
    {
        var wanted = PSStyle.Instance.OutputRendering;
        if (!text.Contains('\x1b', StringComparison.Ordinal) || wanted == OutputRendering.Ansi || (wanted == OutputRendering.Host && hasColour)) return text;
        return new StringDecorated(text).ToString(OutputRendering.PlainText);
    }
}
