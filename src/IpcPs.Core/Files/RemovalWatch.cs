using System.Runtime.CompilerServices;

namespace IpcPs.Files;

/// <summary>Notices that an object which is open here was removed by any process: the file behind its descriptor loses its last name. A
/// wait on the descriptor itself does not end then.</summary>
/// <remarks>unlink(2) changes the number of names, which is an IN_ATTRIB event of the file. Where <see cref="FileWatcher"/> can't watch
/// the file, only this process's own removals are noticed.</remarks>
internal sealed class RemovalWatch : IFileWatch, IDisposable
{
    private static readonly ConditionalWeakTable<RemovalWatch, object?> All = [];

    private readonly CancellationTokenSource _removed = new();
    private readonly SafeDescriptor _descriptor;
    private readonly int _watch;
    private volatile bool _isRemoved;

    /// <summary>Begins to watch. A removal before that is noticed at once.</summary>
    /// <param name="descriptor">Open on the object; stays the caller's.</param>
    public RemovalWatch(SafeDescriptor descriptor)
    {
        _descriptor = descriptor;
        All.Add(this, null);
        _watch = FileWatcher.Add(this, descriptor, Libc.IN_ATTRIB);
        OnFileEvent();
    }

    /// <summary>Whether the object has been removed.</summary>
    public bool IsRemoved => _isRemoved;

    /// <summary>Cancelled when the object is removed.</summary>
    public CancellationToken Removed => _removed.Token;

    /// <summary>Checks whether the object still has a name.</summary>
    public void OnFileEvent()
    {
        if (_isRemoved) return;
        try
        {
            if (FileStatus.TryOf(_descriptor) is not { Links: 0 }) return;
        }
        catch (ObjectDisposedException)
        {
            return; // No thread waits on what is closed.
        }
        _isRemoved = true;
        _removed.Cancel();
    }

    /// <summary>Checks every watched object of this process: called after this process removed one, so that it is noticed at
    /// once.</summary>
    public static void CheckAll()
    {
        foreach (var (watch, _) in All) watch.OnFileEvent();
    }

    /// <summary>Ends the watch. The token stays usable: a wait that is about to end may still hold it.</summary>
    public void Dispose()
    {
        All.Remove(this);
        FileWatcher.Remove(this, _watch);
    }
}
