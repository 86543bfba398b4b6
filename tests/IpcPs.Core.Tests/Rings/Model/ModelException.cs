namespace IpcPs.Tests.Rings.Model;

/// <summary>The algorithm did what it must not do, in some interleaving.</summary>
public sealed class ModelException(string message) : Exception(message);
