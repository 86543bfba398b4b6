namespace IpcPs.Inventory;

/// <summary>What became of an object that was to be removed because it was stale.</summary>
/// <param name="Object">The object.</param>
/// <param name="IsRemoved">Whether it was removed.</param>
/// <param name="Reason">Why, or why not.</param>
/// <param name="Error">What went wrong; null where nothing did.</param>
public sealed record IpcRemoval(IpcObjectInfo Object, bool IsRemoved, string Reason, IpcException? Error = null);
