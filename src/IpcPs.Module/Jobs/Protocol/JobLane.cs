namespace IpcPs.Module.Jobs.Protocol;

/// <summary>What a message between a job and its child is: the lane that it travels in. All of PowerShell's streams share one pipe, so that they arrive in
/// the order in which the script wrote them.</summary>
internal enum JobStreamId : byte
{
    // From the child.
    Output = 1,
    Error,
    Warning,
    Verbose,
    Debug,
    Information,
    Progress,

    /// <summary>From the child: the link is open and nothing more of the output comes this way; or, with a text, why it could not be opened.</summary>
    Redirected,

    /// <summary>From the child, last of all: a <see cref="FinishedMessage"/>.</summary>
    Finished,

    /// <summary>To the child, first of all: a <see cref="StartMessage"/>.</summary>
    Order,

    /// <summary>To the child: your output goes to that <see cref="RedirectMessage"/> from now on. It opens it, answers <see cref="Redirected"/> and waits.</summary>
    Redirect,

    /// <summary>To the child: what you had sent before was handed on; go on writing.</summary>
    Proceed,

    /// <summary>To the child: nobody reads your output any more; stop.</summary>
    ReaderGone,

    /// <summary>To the child: nobody writes to your input any more; what so many writers have sent is all.</summary>
    InputEnded,
}
