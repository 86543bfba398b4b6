namespace IpcPs.Module.Transformation;

/// <summary>An open object for the length of a call: closed after it where the call opened it, left alone where the user did.</summary>
internal sealed class IpcLease<T>(T target, bool owned) : IDisposable
    where T : IpcObject
{
    public T Object { get; } = target;

    /// <summary>Whether it was opened for this call only.</summary>
    public bool IsOwned { get; } = owned;

    public void Dispose()
    {
        if (IsOwned) Object.Dispose();
    }
}
