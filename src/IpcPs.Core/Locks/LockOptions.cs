namespace IpcPs.Locks;

/// <summary>What is taken, or given back. The default is one, of the first semaphore.</summary>
public readonly record struct LockOptions
{
    private readonly int? _count;

    /// <summary>Creates the default.</summary>
    public LockOptions()
    {
    }

    /// <summary>How many: 1 for a mutex. 0 waits until a System V semaphore's value is zero.</summary>
    public int Count
    {
        get => _count ?? 1;
        init => _count = value;
    }

    /// <summary>Which semaphore of a System V set, from 0.</summary>
    public int Index { get; init; }

    /// <summary>System V: the kernel is not to give back what was taken when this process ends. For semaphores that count things and guard nothing.</summary>
    public bool NoUndo { get; init; }

    /// <summary>Who takes it, where one process has several who do: a second try of the same one is an error (or, of a recursive mutex, counted), another's
    /// waits. Null: the thread.</summary>
    public object? Holder { get; init; }
}
