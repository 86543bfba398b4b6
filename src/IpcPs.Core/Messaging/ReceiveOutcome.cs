namespace IpcPs.Messaging;

/// <summary>What a receive that does not wait came to.</summary>
internal enum ReceiveOutcome
{
    /// <summary>Nothing is there now.</summary>
    Nothing,
    /// <summary>A message was received.</summary>
    Message,
    /// <summary>None can come any more.</summary>
    Ended,
}
