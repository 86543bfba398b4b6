using System.Globalization;
using System.Text;
using IpcPs.Mechanisms;
using IpcPs.Messaging;
using IpcPs.Signals;
using IpcPs.Sockets;

namespace IpcPs.Measurement;

/// <summary>The other process of a measurement. It does what its control channel says, until that ends.</summary>
/// <remarks>A command is one message: "echo COUNT RECEIVE-ADDRESS SEND-ADDRESS" or "count COUNT ADDRESS", for datagrams with
/// "listen ADDRESS" instead, "memory-echo COUNT SIZE NAME", "memory-count COUNT SIZE NAME", or
/// "signal COUNT PROCESS-ID". The answers are "ready", then "done NANOSECONDS" with the processor time, or "error TEXT".</remarks>
public static class LoadPeer
{
    /// <summary>The signal that is measured. No other part of the library uses it.</summary>
    internal static readonly Signal Used = Signal.Parse("RTMIN+11");

    // A peer whose measurement has failed must not wait without end.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>Runs until the control channel ends.</summary>
    /// <exception cref="IpcException">The control channel failed.</exception>
    public static void Run(IpcChannel control)
    {
        ArgumentNullException.ThrowIfNull(control);
        var message = new MessageBuffer();
        while (control.Receive(message))
        {
            try
            {
                Do(control, Encoding.UTF8.GetString(message.Payload.Span).Split(' '));
            }
            catch (IpcException e)
            {
                Say(control, "error " + e.Message);
            }
        }
    }

    /// <summary>Sends a line.</summary>
    internal static void Say(IpcChannel control, string line) =>
        control.Send(Encoding.UTF8.GetBytes(line), new SendOptions { Format = IpcFormat.Text });

    private static void Do(IpcChannel control, string[] command)
    {
        var count = int.Parse(command[1], CultureInfo.InvariantCulture);
        WaitOptions wait = Deadline.After(Longest);
        switch (command)
        {
            case ["signal", _, var process]:
                using (var collector = new SignalCollector(Used))
                using (var target = SignalTarget.Open(int.Parse(process, CultureInfo.InvariantCulture)))
                using (var arrivals = collector.BeginWait())
                    Timed(control, () => SignalLoad.Echo(Used, target, arrivals, count, wait));
                break;
            case ["memory-echo" or "memory-count", _, var size, var name]:
                using (var memory = MemoryLoad.Open(name, int.Parse(size, CultureInfo.InvariantCulture)))
                    Timed(control, command[0] == "memory-echo" ? () => memory.Echo(count, wait) : () => memory.Count(count, wait));
                break;
            case ["echo", _, "listen", var address]:
                using (var listener = IpcSocket.Listen(IpcAddress.Parse(address)))
                    Timed(control, () => ChannelLoad.Echo(listener, null, count, wait), listener.Address.Text);
                break;
            case ["count", _, "listen", var address]:
                using (var listener = IpcSocket.Listen(IpcAddress.Parse(address)))
                    Timed(control, () => ChannelLoad.Count(listener, count, wait), listener.Address.Text);
                break;
            case ["echo", _, var address, var back]:
                using (var receive = Open(address, address == back ? IpcAccess.ReadWrite : IpcAccess.Read))
                using (var send = address == back ? null : Open(back, IpcAccess.Write))
                    Timed(control, () => ChannelLoad.Echo(receive, send ?? receive, count, wait));
                break;
            case ["count", _, var address]:
                using (var receive = Open(address, IpcAccess.Read))
                    Timed(control, () => ChannelLoad.Count(receive, count, wait));
                break;
            default:
                throw IpcException.Argument($"'{string.Join(' ', command)}' is not a command.");
        }
    }

    private static IpcChannel Open(string address, IpcAccess access) =>
        (IpcChannel)IpcMechanisms.Open(IpcAddress.Parse(address), new OpenOptions { Access = access });

    private static void Timed(IpcChannel control, Action load, string address = "")
    {
        Say(control, $"ready {address}");
        var before = Libc.ProcessorNanoseconds();
        load();
        Say(control, string.Create(CultureInfo.InvariantCulture, $"done {Libc.ProcessorNanoseconds() - before}"));
    }
}
