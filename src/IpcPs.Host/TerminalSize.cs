namespace IpcPs.Host;

/// <summary>The terminal's size, or what is used where there is none.</summary>
internal static class TerminalSize
{
    public static int Width => Positive(static () => Console.WindowWidth, 120);

    public static int Height => Positive(static () => Console.WindowHeight, 50);

    private static int Positive(Func<int> get, int otherwise)
    {
        try
        {
            return get() is var size && size > 0 ? size : otherwise;
        }
        catch (IOException)
        {
            return otherwise;
        }
    }
}
