using System.Globalization;
using IpcPs.Mechanisms;
using IpcPs.Tests.Rings;

namespace IpcPs.Strength.Kills;

/// <summary>Sends as fast as the receiver takes, and notes the last message whose send returned:
/// <c>kill-sender ADDRESS LEDGER LARGE</c>. Its number comes by its input.</summary>
internal sealed class KillSender : IWorker
{
    // The ledger of a receiver is finite. In a burst the sender runs at full speed, and that is where it is killed.
    private const int Burst = 64;

    public string Name => "kill-sender";

    public void Run(string[] args)
    {
        var address = IpcAddress.Parse(args[0]);
        using var ledger = new CrashLedger(args[1]);
        var withLarge = bool.Parse(args[2]);
        var buffer = CrashMessage.NewBuffer(withLarge);
        Console.WriteLine("ready");
        var writer = long.Parse(Console.ReadLine()!, CultureInfo.InvariantCulture);
        var number = 1L;
        while (true)
        {
            try
            {
                using var channel = (IpcChannel)IpcMechanisms.Open(address, new OpenOptions { Access = IpcAccess.Write, Wait = true });
                for (; ; number++)
                {
                    channel.Send(CrashMessage.Make(writer, number, buffer, withLarge), new SendOptions { Format = IpcFormat.Object });
                    ledger.Sent(number);
                    if (number % Burst == 0) Thread.Sleep(1);
                }
            }
            catch (IpcException e) when (e.Id == IpcErrors.PeerClosed || e.Id == IpcErrors.NoPeer || e.Id == IpcErrors.NotFound)
            {
                // The receiver was killed. Whether it had this message is not known: the next one has a new number.
                number++;
                Thread.Sleep(1);
            }
        }
    }
}
