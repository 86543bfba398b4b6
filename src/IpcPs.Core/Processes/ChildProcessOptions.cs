using System.Runtime.InteropServices;

namespace IpcPs.Processes;

/// <summary>What a child process is started with.</summary>
public sealed record ChildProcessOptions
{
    /// <summary>The program: a path, or a name to be looked up in PATH.</summary>
    public required string FileName { get; init; }

    /// <summary>Its arguments, without the program's own name.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Its environment; null for a copy of this process's environment.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Its working directory; null for this process's.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>The descriptors that it inherits, and no others. Of 0, 1 and 2 those that are not listed are /dev/null.</summary>
    public IReadOnlyList<InheritedDescriptor> Descriptors { get; init; } = [];

    /// <summary>Whether it leads a session of its own (setsid(2)), and with that a process group. It has no controlling terminal then: a
    /// Ctrl+C does not reach it, a program that asks the terminal gets an error instead of a stop, and
    /// <see cref="ChildProcess.SignalGroup"/> reaches the processes that it started.</summary>
    public bool OwnSession { get; init; }
}

/// <summary>A descriptor of this process that a child inherits.</summary>
/// <param name="Descriptor">This process's descriptor; it stays open here.</param>
/// <param name="Number">Its number in the child.</param>
public readonly record struct InheritedDescriptor(SafeDescriptor Descriptor, int Number)
{
    /// <summary>Makes reads and writes on it block, as programs expect of their standard input and output. IpcPs's own ends are
    /// non-blocking.
    /// This changes the open file and not only the descriptor: use it for an end that is passed on and closed here.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>.</exception>
    public void MakeBlocking()
    {
        var flags = Libc.fcntl(Descriptor, Libc.F_GETFL, 0);
        if (flags < 0 || Libc.fcntl(Descriptor, Libc.F_SETFL, flags & ~Libc.O_NONBLOCK) < 0)
            throw IpcException.FromErrno("fcntl(F_SETFL)", Marshal.GetLastPInvokeError(), null);
    }
}
