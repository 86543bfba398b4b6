using IpcPs.Mechanisms;
using IpcPs.Messaging;

namespace IpcPs.Brokers;

/// <summary>A mechanism whose objects are kept by a message broker, on this machine or another one.</summary>
public abstract class BrokerMechanism : IpcMechanism
{
    /// <summary>Creates a queue and opens it.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="options">What it is like.</param>
    /// <param name="login">How the broker knows this user; null for what the environment says.</param>
    /// <param name="useExisting">Whether a queue that exists already is opened.</param>
    /// <param name="wait">How long to wait for the broker.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>, <see cref="IpcErrors.AccessDenied"/>,
    /// <see cref="IpcErrors.NoPeer"/>, <see cref="IpcErrors.LimitReached"/>, <see cref="IpcErrors.Timeout"/>.</exception>
    public abstract IpcChannel Create(
        IpcAddress address, BrokerQueueOptions options, BrokerLogin? login, bool useExisting, in WaitOptions wait);

    /// <summary>What the address of an object, or the beginning of one, says about the server: <c>nats://HOST/</c>, or <c>nats:</c> for
    /// that of the environment.</summary>
    internal static string ServerPart(string text) => text[..(text.Contains("//", StringComparison.Ordinal)
        ? text.LastIndexOf('/') + 1 : text.IndexOf(':', StringComparison.Ordinal) + 1)];
}

/// <summary>What a new queue of a broker is like. What is null has the broker's default.</summary>
public sealed record BrokerQueueOptions
{
    /// <summary>How many servers keep each message: 1, 3 or 5.</summary>
    public int? Replicas { get; init; }

    /// <summary>How long a message is kept.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>How many bytes the queue holds.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>How many messages the queue holds.</summary>
    public long? MaxMessages { get; init; }

    /// <summary>How many bytes one message may have.</summary>
    public int? MaxMessageSize { get; init; }

    /// <summary>What a full queue does.</summary>
    public BrokerDiscard Discard { get; init; }

    /// <summary>Where the messages are.</summary>
    public BrokerStorage Storage { get; init; }

    /// <summary>How long the broker remembers the ids of messages, to drop what was sent twice.</summary>
    public TimeSpan? DuplicateWindow { get; init; }

    /// <summary>How long the broker waits for the acknowledgement of a message before it gives it to another receiver.</summary>
    public TimeSpan? AckWait { get; init; }
}

/// <summary>What a full queue of a broker does.</summary>
public enum BrokerDiscard
{
    /// <summary>It refuses a new message: the sender waits.</summary>
    New,
    /// <summary>It drops the oldest messages.</summary>
    Old,
}

/// <summary>Where a broker keeps messages.</summary>
public enum BrokerStorage
{
    /// <summary>In files: they survive a restart of the server.</summary>
    File,
    /// <summary>In memory.</summary>
    Memory,
}

/// <summary>How a broker knows the user, and how TLS is set up. What is null is what the environment says. It is never shown.</summary>
public sealed class BrokerLogin
{
    /// <summary>The user's name.</summary>
    public string? UserName { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>A file with a user's JWT and key, as nsc(1) writes it.</summary>
    public string? CredentialPath { get; init; }

    /// <summary>A PEM file of the certificate authorities that are trusted.</summary>
    public string? CaPath { get; init; }

    /// <summary>A PEM file of this client's certificate.</summary>
    public string? CertificatePath { get; init; }

    /// <summary>A PEM file of the certificate's key.</summary>
    public string? KeyPath { get; init; }
}

/// <summary>A queue that a broker keeps, as the broker counts it.</summary>
public interface IBrokerQueue
{
    /// <summary>How many messages it has, also those that a receiver has and has not acknowledged.</summary>
    long CurrentMessages { get; }

    /// <summary>How many bytes these have.</summary>
    long CurrentBytes { get; }
}
