using System.Globalization;
using IpcPs.Signals;

namespace IpcPs.Processes;

/// <summary>How a process ended: with an exit code, or by a signal (waitid(2)).</summary>
/// <param name="Code">The exit code, 0 to 255; null where a signal ended it, or nothing is known.</param>
/// <param name="Signal">The number of the signal that ended it, or null.</param>
/// <param name="DumpedCore">Whether the kernel wrote a core dump.</param>
public readonly record struct ProcessExit(int? Code, int? Signal, bool DumpedCore)
{
    /// <summary>Whether it is known. It may not be where this program is process 1, as the main program of a container is, or was started
    /// with SIGCHLD ignored: then the .NET runtime waits for every child, and may be first. From Linux 6.15 on it is known
    /// anyway.</summary>
    public bool IsKnown => Code is not null || Signal is not null;

    /// <summary>Whether the process ended by itself with code 0.</summary>
    public bool IsSuccess => Code == 0;

    /// <summary>The signal's name without SIG, <c>KILL</c>; null where no signal ended it.</summary>
    public string? SignalName => Signal is { } number ? new Signal(number).Name : null;

    /// <summary>What a shell's <c>$?</c> shows: the code, or 128 and the signal's number; -1 where nothing is known.</summary>
    public int ShellCode => Code ?? (Signal is { } signal ? 128 + signal : -1);

    /// <summary>"ended with exit code 3", "was killed by signal KILL".</summary>
    public override string ToString() => this switch
    {
        { Signal: not null } => $"was killed by signal {SignalName}{(DumpedCore ? " and dumped core" : "")}",
        { Code: { } code } => string.Create(CultureInfo.InvariantCulture, $"ended with exit code {code}"),
        _ => "ended, but its exit code is not known: the .NET runtime read it first, because this program "
            + (Environment.ProcessId == 1 ? "is process 1 (start the container with an init, as 'docker run --init' does)"
                : "was started with SIGCHLD ignored"),
    };
}
