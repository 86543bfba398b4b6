using IpcPs.Connections;
using IpcPs.Proc;
using Xunit;

namespace IpcPs.Tests.Connections;

/// <summary>What is found in connections, whatever they come from.</summary>
public sealed class ConnectionGraphTests
{
    [Fact]
    public void Steps_go_from_process_to_process_in_both_directions()
    {
        IpcConnection[] chain = [Of(1, 2), Of(3, 2), Of(3, 4), Of(5, 6)];
        Assert.Equal(["1 2"], Near(1, 1));
        Assert.Equal(["1 2", "3 2"], Near(1, 2));
        Assert.Equal(["1 2", "3 2", "3 4"], Near(1, 3));
        Assert.Equal(["1 2", "3 2", "3 4"], Near(1, int.MaxValue));

        IEnumerable<string> Near(int id, int depth) =>
            IpcConnections.Near(chain, [id], depth).Select(static c => $"{c.From.ProcessId} {c.To.ProcessId}");
    }

    [Fact]
    public void A_circle_of_waits_is_a_deadlock_if_it_is_there_twice()
    {
        List<IpcConnection> waits = [Wait(1, 2, "a"), Wait(2, 3, "b"), Wait(3, 1, "c"), Wait(4, 1, "c"), Wait(7, 8, "d"), Wait(8, 7, "e")];
        var marked = WaitCycles.Mark(waits, () => waits);
        Assert.Equal([1, 1, 1, null, 2, 2], marked.Select(static c => c.Deadlock));
        // One that has ended meanwhile was none.
        var left = WaitCycles.Mark(waits, () => [.. waits.Where(static c => c.From.ProcessId != 2)]);
        Assert.Equal([null, null, null, null, 1, 1], left.Select(static c => c.Deadlock));
        // Without a known holder there is no deadlock, and neither is a chain one.
        List<IpcConnection> none = [Wait(1, 2, "a") with { IsForHolder = false }, Wait(2, 1, "b"), Wait(2, 3, "b")];
        Assert.All(WaitCycles.Mark(none, () => none), static c => Assert.Null(c.Deadlock));
    }

    [Fact]
    public void Lines_of_the_table_of_locks_are_read()
    {
        var held = LockEntry.Parse("85: OFDLCK ADVISORY  WRITE -1 00:1a:401572 1099511627776 1099511627777")!;
        Assert.Equal((85, false, LockEntry.OpenFile, -1, 0x1au, 401572ul),
            (held.Number, held.IsWaiting, held.Type, held.ProcessId, held.File.Minor, held.File.Inode));
        Assert.True(held.Covers((1L << 40) + 1));
        Assert.False(held.Covers((1L << 40) + 2));
        var waiting = LockEntry.Parse("7: -> FLOCK  ADVISORY  WRITE 16059 fe:00:5 0 EOF")!;
        Assert.Equal((7, true, LockEntry.Flock, 16059, 0xfeu, 5ul),
            (waiting.Number, waiting.IsWaiting, waiting.Type, waiting.ProcessId, waiting.File.Major, waiting.File.Inode));
        Assert.True(waiting.Covers(long.MaxValue));
        foreach (var other in new[] { "", "1: ->", "3: LEASE  ACTIVE    READ  77 fe:00:5 0 EOF",
            "x: FLOCK ADVISORY WRITE 1 fe:00:5 0 EOF" })
            Assert.Null(LockEntry.Parse(other));
    }

    private static IpcConnection Of(int from, int to) => new()
    {
        From = new ConnectedProcess(from, "p"),
        To = new ConnectedProcess(to, "p"),
        Kind = "mutex",
        AddressText = "mutex:x",
    };

    private static IpcConnection Wait(int from, int to, string name) =>
        Of(from, to) with { State = IpcConnectionState.Waits, IsForHolder = true, AddressText = name };
}
