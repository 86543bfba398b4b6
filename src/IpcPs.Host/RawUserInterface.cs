using System.Management.Automation.Host;

namespace IpcPs.Host;

/// <summary>The terminal as a grid of cells: its size, colours and keys. What only Windows consoles have is not here.</summary>
internal sealed class RawUserInterface(Screen screen) : PSHostRawUserInterface
{
    public override ConsoleColor ForegroundColor { get; set; } = (ConsoleColor)(-1);

    public override ConsoleColor BackgroundColor { get; set; } = (ConsoleColor)(-1);

    public override Coordinates CursorPosition
    {
        get => screen.OutputIsTerminal && !Console.IsInputRedirected ? new Coordinates(Console.CursorLeft, Console.CursorTop) : default;
        set
        {
            if (screen.OutputIsTerminal) Console.SetCursorPosition(value.X, value.Y);
        }
    }

    public override Coordinates WindowPosition { get; set; }

    public override int CursorSize { get; set; } = 25;

    public override Size BufferSize
    {
        get => new(TerminalSize.Width, TerminalSize.Height);
        set => throw Unsupported();
    }

    public override Size WindowSize
    {
        get => BufferSize;
        set => throw Unsupported();
    }

    public override Size MaxWindowSize => BufferSize;

    public override Size MaxPhysicalWindowSize => BufferSize;

    public override bool KeyAvailable => !Console.IsInputRedirected && Console.KeyAvailable;

    public override string WindowTitle
    {
        get => "";
        set
        {
            if (screen.OutputHasColour) screen.Control($"\x1b]0;{value}\a");
        }
    }

    public override KeyInfo ReadKey(ReadKeyOptions options)
    {
        if (Console.IsInputRedirected) throw new HostException("A key can only be read from a terminal.");
        var key = Console.ReadKey(intercept: (options & ReadKeyOptions.NoEcho) != 0);
        ControlKeyStates states = 0;
        if ((key.Modifiers & ConsoleModifiers.Control) != 0) states |= ControlKeyStates.LeftCtrlPressed;
        if ((key.Modifiers & ConsoleModifiers.Alt) != 0) states |= ControlKeyStates.LeftAltPressed;
        if ((key.Modifiers & ConsoleModifiers.Shift) != 0) states |= ControlKeyStates.ShiftPressed;
        return new KeyInfo((int)key.Key, key.KeyChar, states, keyDown: true);
    }

    public override void FlushInputBuffer()
    {
        while (KeyAvailable) Console.ReadKey(intercept: true);
    }

    // What Clear-Host calls: the whole screen, filled with spaces.
    public override void SetBufferContents(Rectangle rectangle, BufferCell fill)
    {
        if (screen.OutputHasColour) screen.Control("\x1b[H\x1b[2J");
    }

    public override int LengthInBufferCells(char source) => Cells.Width(source);

    public override int LengthInBufferCells(string source) => Cells.Width(source);

    public override int LengthInBufferCells(string source, int offset) => Cells.Width(source.AsSpan(offset));

    public override void SetBufferContents(Coordinates origin, BufferCell[,] contents) => throw Unsupported();

    public override BufferCell[,] GetBufferContents(Rectangle rectangle) => throw Unsupported();

    public override void ScrollBufferContents(Rectangle source, Coordinates destination, Rectangle clip, BufferCell fill) => throw Unsupported();

    private static NotSupportedException Unsupported() => new("A terminal does not let a program do this.");
}
