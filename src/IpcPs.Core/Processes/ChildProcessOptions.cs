namespace IpcPs.Processes;

/// <summary>What a child process is started with.</summary>
public sealed record ChildProcessOptions
{
    /// <summary>The program: a path, or a name to be looked up in PATH.</summary>
    public required string FileName { get; init; }

    /// <summary>Its arguments, without the program's own name.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Its environment; null for a copy of ours as it is now.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Where it starts; null for our own working directory.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>The descriptors that it inherits: these and no others. Of 0, 1 and 2 those that aren't named are /dev/null.</summary>
    public IReadOnlyList<InheritedDescriptor> Descriptors { get; init; } = [];

    /// <summary>Whether it leads a process group of its own: a Ctrl+C in the terminal isn't meant for it then, and
    /// <see cref="ChildProcess.SignalGroup"/> reaches whatever it started.</summary>
    public bool OwnGroup { get; init; }
}
