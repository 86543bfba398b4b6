namespace IpcPs.Inventory;

/// <summary>Whether this machine, kernel or container has a mechanism, found out by using it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsAvailable">Whether it worked.</param>
/// <param name="Detail">What was tried, or why it failed.</param>
/// <param name="ErrorId">The id of the error that a command would raise; null where it works.</param>
public sealed record IpcFeature(string Name, bool IsAvailable, string Detail, string? ErrorId);
