using NATS.Client.JetStream;
using NATS.Client.JetStream.Models;

namespace IpcPs.Nats;

/// <summary>JetStream's errors, by the numbers of its documentation (server/errors.json).</summary>
internal static class Errors
{
    public const int NoLeader = 10009;
    public const int ClusterTemporary = 10008;
    public const int NoSuitablePeers = 10005;
    public const int StreamNotFound = 10059;
    public const int ConsumerNotFound = 10014;
    public const int StreamExists = 10058;
    public const int StoreFailed = 10077;
    public const int MessageTooLarge = 10054;
    private const int InsufficientResources = 10023;
    private const int StorageExceeded = 10047;
    private const int MemoryExceeded = 10028;
    private const int ReplicasNotSupported = 10074;

    public static IpcException Of(NatsJSApiException exception, IpcAddress address) => Of(exception.Error, address, exception);

    public static IpcException Of(ApiError error, IpcAddress address, Exception? inner = null) => error.ErrCode switch
    {
        StreamNotFound => NotFound(address, inner),
        StreamExists => new IpcException(IpcErrors.AlreadyExists,
            $"A queue '{address}' exists, and is not what would have been created: {error.Description}.", address.Text, inner: inner)
        { Advice = IpcAdvice.OpenOrRemove },
        InsufficientResources or StorageExceeded or MemoryExceeded or ReplicasNotSupported or NoSuitablePeers => new IpcException(
            IpcErrors.LimitReached, $"The broker has not enough for '{address}': {error.Description}.", address.Text, inner: inner),
        _ => new IpcException(IpcErrors.SystemError,
            $"The broker refused a request for '{address}': {error.Description} ({error.ErrCode}).", address.Text, inner: inner),
    };

    public static IpcException NotFound(IpcAddress address, Exception? inner = null) =>
        new(IpcErrors.NotFound, $"The broker has no queue '{address}'.", address.Text, inner: inner)
        { Advice = IpcAdvice.CreateBrokerQueue };
}
