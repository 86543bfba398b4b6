using System.Globalization;
using IpcPs.Rings;

namespace IpcPs.Tests.Rings;

/// <summary>The process that is killed: sends, or receives, as fast as it can.</summary>
internal static class CrashPeer
{
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

    private static void Write(IpcAddress address, CrashLedger ledger, long writer)
    {
        using var ring = MessageRing.Open(address, IpcAccess.Write, waitsForPeers: true);
        var buffer = CrashMessage.NewBuffer();
        for (long number = 1; ; number++)
        {
            ring.Send(CrashMessage.Make(writer, number, buffer));
            ledger.Sent(number);
        }
    }

    private static void Read(IpcAddress address, CrashLedger ledger)
    {
        using var ring = MessageRing.Open(address, IpcAccess.Read, waitsForPeers: true);
        var message = new MessageBuffer();
        var buffer = CrashMessage.NewBuffer();
        while (true)
        {
            ring.Receive(message);
            ledger.Note(CrashMessage.Check(message.Payload.Span, buffer));
        }
    }
}
