namespace IpcPs.Host;

/// <summary>The exit codes that are not the script's own: pwsh's, and for signals the shell's 128 + N.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>An uncaught error, or a command whose last statement failed.</summary>
    public const int Failure = 1;

    /// <summary>A command line that makes no sense (EX_USAGE), as pwsh.</summary>
    public const int BadCommandLine = 64;

    /// <summary>The session could not be opened (EX_SOFTWARE), as pwsh.</summary>
    public const int StartFailed = 70;

    /// <summary>Ended by Ctrl+C.</summary>
    public const int Interrupted = 128 + 2;

    /// <summary>Ended by the terminal's end.</summary>
    public const int HungUp = 128 + 1;

    /// <summary>Ended because nobody reads the output any more.</summary>
    public const int OutputClosed = 128 + 13;

    /// <summary>Ended by SIGTERM.</summary>
    public const int Terminated = 128 + 15;
}
