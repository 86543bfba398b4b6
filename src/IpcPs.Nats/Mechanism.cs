using System.Globalization;
using IpcPs.Brokers;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Nats.Connections;
using NATS.Client.JetStream.Models;

namespace IpcPs.Nats;

/// <summary>Queues and topics of NATS, by <c>nats:</c> and <c>tls:</c> addresses.</summary>
public sealed class Mechanism : BrokerMechanism
{
    // Tab waits for it.
    private static readonly TimeSpan KnownTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ListTimeout = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public override IReadOnlyList<IpcScheme> Schemes => [IpcScheme.Nats, IpcScheme.Tls];

    internal override bool IsOfThisMachine => false;

    /// <inheritdoc/>
    public override IpcObject Open(IpcAddress address, in OpenOptions options, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        return address.IsTopic
            ? NatsTopic.Open(address, options.Access, options.ForOneCall, options.Login, wait)
            : NatsQueue.Open(address, options.Access, options.Login, wait);
    }

    /// <inheritdoc/>
    public override IpcChannel Create(
        IpcAddress address, BrokerQueueOptions options, BrokerLogin? login, bool useExisting, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(options);
        if (address.IsTopic)
        {
            throw new IpcException(IpcErrors.NotSupported, $"'{address}' is a topic: it exists as long as a program uses it.", address.Text,
                "Open it, or send to it.");
        }
        return NatsQueue.Create(address, options, login, useExisting, wait);
    }

    /// <inheritdoc/>
    public override void Remove(IpcAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsTopic)
        {
            base.Remove(address);
            return;
        }
        var wait = (WaitOptions)Deadline.After(ListTimeout);
        Remove(address, Server.Acquire(address, null, wait), wait);
    }

    /// <inheritdoc/>
    public override void Remove(IpcObject open)
    {
        if (open is NatsQueue queue)
        {
            // As the user that opened it, also if it was closed since.
            var wait = (WaitOptions)Deadline.After(ListTimeout);
            Remove(queue.Address, queue.Server.Again(queue.Address, wait), wait);
        }
        else
        {
            base.Remove(open);
        }
    }

    /// <inheritdoc/>
    public override void WaitUntilExists(IpcAddress address, in WaitOptions wait)
    {
        ArgumentNullException.ThrowIfNull(address);
        var connecting = wait.Deadline.IsImmediate ? wait.Cancellation : wait;
        PollWithBackoff.Until(() => Exists(address, connecting), address.Text, wait);
    }

    /// <inheritdoc/>
    public override IEnumerable<IpcAddress> Known(IReadOnlyCollection<IpcScheme> schemes, string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        if (!IpcAddress.TryParse(ServerPart(prefix) + "x", out var address)) return [];
        try
        {
            return List(address!, KnownTimeout).ConvertAll(i => i.Address);
        }
        catch (IpcException)
        {
            return [];
        }
    }

    internal override IEnumerable<IpcObjectInfo> Enumerate(InventoryScan scan)
    {
        List<IpcObjectInfo> found = [];
        foreach (var server in scan.Brokers(Schemes))
        {
            // A server's name has no wildcards.
            if (!IpcAddress.TryParse(server + "x", out var like)) continue;
            try
            {
                found.AddRange(List(like!, ListTimeout));
            }
            catch (IpcException e)
            {
                scan.AddProblem("nats", "The queues of NATS are not listed: " + e.Message);
            }
        }
        return found;
    }

    private static void Remove(IpcAddress address, Server server, in WaitOptions wait)
    {
        try
        {
            server.Call((js, token) => js.DeleteStreamAsync(address.Name!, token), address, $"the removal of '{address}'", wait);
        }
        finally
        {
            server.Release();
        }
    }

    private static bool Exists(IpcAddress address, in WaitOptions wait)
    {
        try
        {
            var server = Server.Acquire(address, null, wait);
            try
            {
                return address.IsTopic || NatsQueue.Exists(server, address, new(Deadline.After(ListTimeout), wait.Cancellation));
            }
            finally
            {
                server.Release();
            }
        }
        catch (IpcException e) when (e.Id == IpcErrors.NoPeer || e.Id == IpcErrors.Timeout)
        {
            return false;
        }
    }

    /// <summary>The queues of a server.</summary>
    /// <param name="like">Any address of it.</param>
    /// <param name="timeout">How long to wait for it.</param>
    private static List<IpcObjectInfo> List(IpcAddress like, TimeSpan timeout)
    {
        var wait = (WaitOptions)Deadline.After(timeout);
        var server = Server.Acquire(like, null, wait);
        try
        {
            return server.Call(async (js, token) =>
            {
                var found = new List<IpcObjectInfo>();
                await foreach (var stream in js.ListStreamsAsync(cancellationToken: token).ConfigureAwait(false))
                {
                    if (InfoOf(stream.Info, like) is { } info) found.Add(info);
                }
                return found;
            }, like, "the list of queues", wait);
        }
        finally
        {
            server.Release();
        }
    }

    private static IpcObjectInfo? InfoOf(StreamInfo info, IpcAddress like)
    {
        var text = like.Text[..^like.Name!.Length] + info.Config.Name;
        if (!IpcAddress.TryParse(text, out var address)) return null;
        var (messages, bytes) = (info.State.Messages, info.State.Bytes);
        var (maxMessages, maxBytes) = (info.Config.MaxMsgs, info.Config.MaxBytes);
        return new IpcObjectInfo
        {
            Address = address!,
            Kind = "NATS queue",
            Depth = messages,
            Size = bytes,
            Capacity = maxMessages > 0 ? maxMessages : null,
            // One that drops the oldest messages makes no sender wait.
            IsFull = info.Config.Discard == StreamConfigDiscard.New && messages > 0
                && ((maxMessages > 0 && messages >= maxMessages) || (maxBytes > 0 && bytes + (bytes / messages) > maxBytes)),
            Consumers = (int)info.State.ConsumerCount,
            Created = info.Created.LocalDateTime,
            LastUsed = info.State.LastSeq > 0
                && DateTimeOffset.TryParse(info.State.LastTs, CultureInfo.InvariantCulture, out var at) ? at.LocalDateTime : null,
            Reason = "kept by the broker until it is removed",
        };
    }
}
