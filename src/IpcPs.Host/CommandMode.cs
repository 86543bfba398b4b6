namespace IpcPs.Host;

/// <summary>What the command line asks for.</summary>
internal enum CommandMode
{
    /// <summary>A prompt on a terminal.</summary>
    Interactive,

    /// <summary>A script file with arguments.</summary>
    File,

    /// <summary>A script on the command line.</summary>
    Command,

    /// <summary>A script on standard input.</summary>
    StandardInput,

    /// <summary>How it is used.</summary>
    Help,

    /// <summary>Which version it is.</summary>
    Version,
}
