using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Rings;

namespace IpcPs.Tests.Rings;

/// <summary>The process that is killed: sends, or receives, as fast as it can.</summary>
internal static class CrashPeer
{
    /// <summary>Up to some pages, so that a copy under a lock takes a while to be killed in.</summary>
    private const int MaxLength = 3000;

    public static void Run(string side, string[] args)
    {
        var address = IpcAddress.Parse(args[0]);
        var ledger = new CrashLedger(args[1]);
        // Warm, and then on the mark: what is killed is a process at full speed, and not one that starts.
        Console.WriteLine("ready");
        var number = Console.ReadLine()!;
        if (side == "write") Write(address, ledger, long.Parse(number, CultureInfo.InvariantCulture));
        else Read(address, ledger);
    }

    /// <summary>A message as a writer with that number makes it.</summary>
    public static ReadOnlySpan<byte> Make(long writer, long number, byte[] buffer)
    {
        var message = (writer << 32) | number;
        var length = 16 + (int)((ulong)(message * -7046029254386353131L) >> 33) % MaxLength;
        var span = buffer.AsSpan(0, length);
        span[16..].Fill((byte)message);
        MemoryMarshal.Write(span, in message);
        MemoryMarshal.Write(span[8..], ~message);
        return span;
    }

    /// <summary>The message's number and writer; -1 where it is not whole.</summary>
    public static long Check(ReadOnlySpan<byte> bytes, byte[] buffer)
    {
        if (bytes.Length < 16) return -1;
        var message = MemoryMarshal.Read<long>(bytes);
        return bytes.SequenceEqual(Make(message >> 32, message & 0xFFFF_FFFF, buffer)) ? message : -1;
    }

    public static byte[] NewBuffer() => new byte[MaxLength + 16];

    private static void Write(IpcAddress address, CrashLedger ledger, long writer)
    {
        using var ring = MessageRing.Open(address, IpcAccess.Write, waitsForPeers: true);
        var buffer = NewBuffer();
        for (long number = 1; ; number++)
        {
            ring.Send(Make(writer, number, buffer));
            ledger.Sent(number);
        }
    }

    private static void Read(IpcAddress address, CrashLedger ledger)
    {
        using var ring = MessageRing.Open(address, IpcAccess.Read, waitsForPeers: true);
        var message = new MessageBuffer();
        var buffer = NewBuffer();
        while (true)
        {
            ring.Receive(message);
            ledger.Note(Check(message.Payload.Span, buffer));
        }
    }
}
