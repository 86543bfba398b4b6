using System.Runtime.CompilerServices;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>The channels between jobs and their parents, <c>$IpcParent</c> and its other end. They are pipes that only the job inherits, so
/// secrets may be sent on them.</summary>
internal static class JobChannels
{
    private static readonly ConditionalWeakTable<IpcChannel, object> Known = [];

    /// <summary>Registers a channel.</summary>
    public static T Register<T>(T channel)
        where T : IpcChannel
    {
        Known.AddOrUpdate(channel, Known);
        return channel;
    }

    /// <summary>Whether a channel is one of them.</summary>
    public static bool IsJobChannel(IpcChannel channel) => Known.TryGetValue(channel, out _);
}
