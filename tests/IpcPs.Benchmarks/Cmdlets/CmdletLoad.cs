using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Cmdlets;

/// <summary>An array piped into Send-IpcMessage in one PowerShell process and received in another: objects a second, from the first that is
/// sent until the last is out of Receive-IpcMessage.</summary>
/// <param name="Name">What carries them.</param>
/// <param name="Make">A script for the sender that makes the object and gives its address; it may leave $channel.</param>
/// <param name="Open">A script for the receiver, with $address, that leaves $channel.</param>
/// <param name="Connected">A script for the sender that leaves its $channel, once the receiver has opened its own.</param>
/// <param name="Receive">What the receiver runs.</param>
/// <param name="Send">What the sender runs.</param>
/// <param name="Remove">A script for the sender.</param>
internal sealed record CmdletLoad(string Name, string Make, string Open, string Connected, string Receive, string Send, string Remove)
{
    private const string UntilClosed = "Receive-IpcMessage $channel -All | Out-Null";
    private const string SendAndClose = "$array | Send-IpcMessage $channel -Close";
    private const string OpenToRead = "$channel = Open-IpcObject $address -Access Read";

    private static readonly HashSet<string> Warm = [];

    // The queues have no end that could be seen: a number of messages instead.
    private const string AsMany = "Receive-IpcMessage $channel -Count $count | Out-Null";
    private const string JustSend = "$array | Send-IpcMessage $channel";

    public static CmdletLoad Pipe { get; } = new(
        "pipe", "$pipe = New-IpcPipe; $pipe.Reader.Address", OpenToRead, "Close-IpcObject $pipe.Reader; $channel = $pipe.Writer",
        UntilClosed, SendAndClose, "");

    public static CmdletLoad Fifo { get; } = new(
        "FIFO", "$channel = New-IpcPipe \"bench-$PID\"; $channel.Address", OpenToRead, "", UntilClosed,
        "$array | Send-IpcMessage $channel; Close-IpcObject $channel", "Remove-IpcObject \"fifo:bench-$PID\"");

    public static CmdletLoad Unix { get; } = new(
        "unix stream socket", "$listener = New-IpcSocket \"unix:@bench-$PID\"; $listener.Address", "$channel = Open-IpcObject $address",
        "$channel = Receive-IpcMessage $listener -Connection", UntilClosed, SendAndClose,
        "Close-IpcObject $channel; Close-IpcObject $listener");

    public static CmdletLoad Tcp { get; } = new(
        "TCP socket", "$listener = New-IpcSocket tcp:127.0.0.1:0; $listener.Address", "$channel = Open-IpcObject $address",
        "$channel = Receive-IpcMessage $listener -Connection", UntilClosed, SendAndClose,
        "Close-IpcObject $channel; Close-IpcObject $listener");

    public static CmdletLoad Posix { get; } = new(
        "POSIX queue", "$channel = New-IpcQueue \"bench-$PID\"; $channel.Address", OpenToRead, "", AsMany, JustSend,
        "Remove-IpcObject $channel");

    public static CmdletLoad SysV { get; } = new(
        "System V queue", "$channel = New-IpcQueue -Kind SysV; $channel.Address", OpenToRead, "", AsMany, JustSend,
        "Remove-IpcObject $channel");

    public static CmdletLoad Ring { get; } = new(
        "ring", "$channel = New-IpcRing \"bench-$PID\"; $channel.Address", OpenToRead, "", UntilClosed, SendAndClose,
        "Close-IpcObject $channel");

    /// <summary>A script that gives an array of custom objects of three properties.</summary>
    public static string Objects(int count) => string.Create(
        CultureInfo.InvariantCulture,
        $"@(foreach ($i in 1..{count}) {{ [pscustomobject]@{{ Id = $i; Name = \"item $i\"; " +
        $"Time = [datetime]::UnixEpoch.AddSeconds($i) }} }})");

    /// <summary>Objects a second, warmed up.</summary>
    /// <param name="array">A script that gives the array.</param>
    /// <param name="count">How many are in it.</param>
    public double Run(string array, int count)
    {
        // The shells are the same in all repetitions.
        if (Warm.Add(Name + array)) WarmUp.Do(() => RunOnce(array, count));
        return RunOnce(array, count);
    }

    /// <summary>Objects a second, without anything before.</summary>
    /// <param name="array">A script that gives the array.</param>
    /// <param name="count">How many are in it.</param>
    public double RunOnce(string array, int count)
    {
        var (sender, receiver) = (SharedShells.Sender, SharedShells.Receiver);
        sender.Run(Kept(array, count));
        var address = sender.Run(Make);
        receiver.Run($"$count = {count}; $address = '{address}'; {Open}");
        sender.Run(Connected);
        var start = Stopwatch.GetTimestamp();
        receiver.Begin(Receive);
        sender.Begin(Send);
        sender.End();
        receiver.End();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        receiver.Run("Close-IpcObject $channel");
        if (Remove.Length > 0) sender.Run(Remove);
        return count / seconds;
    }

    /// <summary>The same array into the cmdlet that does nothing, in the same process.</summary>
    public static double IntoNothing(string array, int count)
    {
        SharedShells.Sender.Run(Kept(array, count));
        var start = Stopwatch.GetTimestamp();
        SharedShells.Sender.Run("$array | Invoke-BenchmarkNothing");
        return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Made once, and again only where another one is wanted.
    private static string Kept(string array, int count) =>
        $"$key = '{count} {array.Replace("'", "''", StringComparison.Ordinal)}'; if ($made -ne $key) {{ $array = {array}; $made = $key }}";
}
