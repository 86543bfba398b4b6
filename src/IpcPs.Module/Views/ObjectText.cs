using System.Globalization;
using IpcPs.Locks;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Module.Views;

/// <summary>What the common table of open objects shows: the columns that have another meaning for each mechanism.</summary>
public static class ObjectText
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB"];

    /// <summary>How much is in an object, and how much it holds; empty where that is not known or the object was closed.</summary>
    public static string Depth(IpcObject of) => Read(() => of switch
    {
        PosixQueue q => $"{q.CurrentMessages}/{q.MaxMessages}",
        SysVQueue q => $"{q.CurrentMessages}",
        MessageRing r => $"{Bytes(r.PendingBytes)}/{Bytes(r.Capacity)}",
        PipeChannel p => $"{Bytes(p.PendingBytes)}/{Bytes(p.Capacity)}",
        AnonymousPipe p => Depth(p.Reader),
        NamedPipe p => $"{Bytes(p.PendingBytes)}/{Bytes(p.Capacity)}",
        StreamSocket s => Bytes(s.PendingBytes),
        SeqPacketSocket s => Bytes(s.PendingBytes),
        DatagramSocket s => Bytes(s.PendingBytes),
        DatagramListener l => Bytes(l.PendingBytes),
        SharedMemorySegment s => Bytes(s.Size),
        PosixSemaphore s => $"{s.Value}",
        SysVSemaphoreSet s => string.Join(' ', s.Values),
        _ => "",
    });

    /// <summary>Who holds or uses the object, and what it is limited to; at most 13 characters.</summary>
    public static string State(IpcObject of)
    {
        ArgumentNullException.ThrowIfNull(of);
        return of.IsClosed ? "closed" : Read(() => of switch
        {
            IpcMutex { OwnerDied: true } => "owner died",
            IpcMutex { IsHeld: true } => "held here",
            // The process of another program, which does not write its id, may hold it.
            IpcMutex { HolderId: null } => "maybe free",
            IpcMutex m => m.State.StartsWith("held", StringComparison.Ordinal) ? $"held: {m.HolderId}" : "owner died",
            SharedMemorySegment { IsReadOnly: true } => "read-only",
            SocketListener { Clients: 1 } => "1 client",
            SocketListener l => $"{l.Clients} clients",
            StreamSocket { PeerProcessId: { } id } => $"peer {id}",
            SeqPacketSocket { PeerProcessId: { } id } => $"peer {id}",
            MessageRing { Delivery: not RingDelivery.Queue } => "broadcast",
            IpcChannel { CanSend: true, CanReceive: false } => "send only",
            IpcChannel { CanSend: false, CanReceive: true } => "receive only",
            _ => "",
        });
    }

    /// <summary>A number of bytes in at most six characters.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        while (bytes >= 999.5 && unit < Units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        return bytes.ToString(unit > 0 && bytes < 9.95 ? "0.#" : "0", CultureInfo.InvariantCulture) + Units[unit];
    }

    // A view has no place for an error: the object was removed, or closed by another thread.
    private static string Read(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (IpcException)
        {
            return "";
        }
    }
}
