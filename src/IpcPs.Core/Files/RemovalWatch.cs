namespace IpcPs.Files;

/// <summary>Tells when an object that is open here is removed by anybody: when the file behind its descriptor loses its last name, which
/// the kernel itself tells nobody who waits on the descriptor.</summary>
internal sealed class RemovalWatch : IDisposable
{
    private readonly CancellationTokenSource _removed = new();
    private readonly SafeDescriptor _descriptor;
    private readonly string _target;
    private readonly int _watch;
    private volatile bool _isRemoved;

    /// <summary>Begins to watch; what was removed before is noticed at once.</summary>
    /// <param name="descriptor">Open on the object; stays the caller's.</param>
    /// <param name="target">The object's address, for errors.</param>
    public RemovalWatch(SafeDescriptor descriptor, string target)
    {
        _descriptor = descriptor;
        _target = target;
        _watch = RemovalWatcher.Instance.Add(this, descriptor);
        Check();
    }

    /// <summary>Whether the object has been removed.</summary>
    public bool IsRemoved => _isRemoved;

    /// <summary>Cancelled when the object is removed.</summary>
    public CancellationToken Removed => _removed.Token;

    /// <summary>Looks whether the object still has a name.</summary>
    public void Check()
    {
        if (_isRemoved) return;
        try
        {
            if (DescriptorPermissions.Stat(_descriptor, _target).Links > 0) return;
        }
        catch (Exception e) when (e is ObjectDisposedException or IpcException)
        {
            return; // Closed meanwhile: nobody waits any more.
        }
        _isRemoved = true;
        _removed.Cancel();
    }

    /// <summary>Looks at every object of this process that is watched: after this process removed one, so that it knows at once.</summary>
    public static void CheckAll() => RemovalWatcher.Instance.CheckAll();

    /// <summary>Ends the watch. The token stays usable: a wait that just ends may still hold it.</summary>
    public void Dispose() => RemovalWatcher.Instance.Remove(this, _watch);
}
