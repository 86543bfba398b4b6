using System.Text;

namespace IpcPs.Host;

/// <summary>Reads a line from a terminal, with editing, history and completion: enough for a prompt where there is no PSReadLine.</summary>
/// <param name="screen">The terminal.</param>
/// <param name="complete">Gives what may stand in place of a part of the line: where the part begins, how long it is, and the texts.</param>
internal sealed class LineEditor(Screen screen, Func<string, int, (int Start, int Length, IReadOnlyList<string> Texts)> complete)
{
    private readonly List<string> _history = [];
    private readonly StringBuilder _text = new();
    private string _prompt = "";
    private int _cursor;
    private int _historyAt;
    private int _rowOfCursor;
    private (int Start, int Length, IReadOnlyList<string> Texts, int Shown)? _completion;

    /// <summary>Reads a line.</summary>
    /// <returns>The line; null at the end of input (Ctrl+D), and an empty one after Ctrl+C.</returns>
    public string? Read(string prompt, out bool cancelled)
    {
        (_prompt, _cursor, _historyAt, _rowOfCursor, _completion) = (prompt, 0, _history.Count, 0, null);
        _text.Clear();
        cancelled = false;
        Draw();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            var control = (key.Modifiers & ConsoleModifiers.Control) != 0;
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    return Accept();
                case ConsoleKey.C when control:
                    cancelled = true;
                    MoveToEnd();
                    screen.Control("\n");
                    return "";
                case ConsoleKey.D when control && _text.Length == 0:
                    screen.Control("\n");
                    return null;
                case ConsoleKey.Tab:
                    Complete((key.Modifiers & ConsoleModifiers.Shift) != 0 ? -1 : 1);
                    break;
                default:
                    _completion = null;
                    Edit(key, control);
                    break;
            }
            Draw();
        }
    }

    private void Edit(ConsoleKeyInfo key, bool control)
    {
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow: _cursor = Math.Max(0, _cursor - 1); break;
            case ConsoleKey.RightArrow: _cursor = Math.Min(_text.Length, _cursor + 1); break;
            case ConsoleKey.Home: _cursor = 0; break;
            case ConsoleKey.A when control: _cursor = 0; break;
            case ConsoleKey.End: _cursor = _text.Length; break;
            case ConsoleKey.E when control: _cursor = _text.Length; break;
            case ConsoleKey.UpArrow: Recall(-1); break;
            case ConsoleKey.DownArrow: Recall(1); break;
            case ConsoleKey.Backspace when _cursor > 0: _text.Remove(--_cursor, 1); break;
            case ConsoleKey.Delete when _cursor < _text.Length: _text.Remove(_cursor, 1); break;
            case ConsoleKey.D when control && _cursor < _text.Length: _text.Remove(_cursor, 1); break;
            case ConsoleKey.K when control: _text.Length = _cursor; break;
            case ConsoleKey.U when control: Cut(0); break;
            case ConsoleKey.W when control: Cut(_text.ToString(0, _cursor).TrimEnd().LastIndexOf(' ') + 1); break;
            case ConsoleKey.L when control: Clear(); break;
            default:
                if (!char.IsControl(key.KeyChar)) _text.Insert(_cursor++, key.KeyChar);
                break;
        }
    }

    private string Accept()
    {
        MoveToEnd();
        screen.Control("\n");
        var line = _text.ToString();
        if (!string.IsNullOrWhiteSpace(line) && (_history.Count == 0 || _history[^1] != line)) _history.Add(line);
        return line;
    }

    private void Cut(int from)
    {
        _text.Remove(from, _cursor - from);
        _cursor = from;
    }

    private void Clear()
    {
        screen.Control("\x1b[H\x1b[2J");
        _rowOfCursor = 0;
    }

    private void Recall(int step)
    {
        var at = Math.Clamp(_historyAt + step, 0, _history.Count);
        if (at == _historyAt) return;
        _historyAt = at;
        _text.Clear().Append(at < _history.Count ? _history[at] : "");
        _cursor = _text.Length;
    }

    private void Complete(int step)
    {
        if (_completion is not { } current)
        {
            var (start, length, texts) = complete(_text.ToString(), _cursor);
            if (texts.Count == 0) return;
            current = (start, length, texts, step > 0 ? -1 : 0);
        }
        var next = (current.Shown + step + current.Texts.Count) % current.Texts.Count;
        _text.Remove(current.Start, current.Length).Insert(current.Start, current.Texts[next]);
        _cursor = current.Start + current.Texts[next].Length;
        _completion = current with { Length = current.Texts[next].Length, Shown = next };
    }

    private void MoveToEnd()
    {
        _cursor = _text.Length;
        Draw();
    }

    // The whole line each time: a few hundred bytes, and no state of the terminal to be wrong about but the row.
    private void Draw()
    {
        var width = TerminalSize.Width;
        var text = _text.ToString();
        var before = Cells.Width(_prompt) + Cells.Width(text.AsSpan(0, _cursor));
        var total = Cells.Width(_prompt) + Cells.Width(text);
        var frame = new StringBuilder();
        if (_rowOfCursor > 0) frame.Append($"\x1b[{_rowOfCursor}A");
        frame.Append('\r').Append(_prompt).Append(text).Append("\x1b[J");
        // A terminal wraps only when the next character comes.
        if (total > 0 && total % width == 0) frame.Append("\r\n");
        if (total / width > before / width) frame.Append($"\x1b[{(total / width) - (before / width)}A");
        frame.Append('\r');
        if (before % width > 0) frame.Append($"\x1b[{before % width}C");
        _rowOfCursor = before / width;
        screen.Control(frame.ToString());
    }
}
