namespace IpcPs.Module.Commands.Locks;

/// <summary>Which semaphore <c>New-IpcSemaphore</c> makes.</summary>
public enum IpcSemaphoreKind
{
    /// <summary>A POSIX semaphore: a name, no owner; sem_overview(7).</summary>
    Posix,
    /// <summary>A System V set: a key, several semaphores, given back when their holder dies; semget(2).</summary>
    SysV,
}
