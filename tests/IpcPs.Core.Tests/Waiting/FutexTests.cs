using IpcPs.Linux;
using IpcPs.SharedMemory;
using IpcPs.Signals;
using Xunit;

namespace IpcPs.Tests.Waiting;

public sealed class FutexTests : IDisposable
{
    private readonly MappedRegion _region;

    public FutexTests()
    {
        using var memory = new SafeDescriptor(Libc.memfd_create("futex", Libc.MFD_CLOEXEC));
        Assert.Equal(0, Libc.ftruncate(memory, 4096));
        _region = MappedRegion.Map(memory, 4096, isReadOnly: false, null);
    }

    public void Dispose() => _region.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_wait_ends_when_the_word_has_changed_and_is_woken(bool shared)
    {
        var waiting = Task.Run(() => Until(1, shared, default, default));
        Change(1, shared);
        Assert.True(await waiting);
    }

    [Fact]
    public void A_word_with_another_value_is_not_waited_for()
    {
        Change(5, shared: true);
        Assert.True(Wait(4, true, Deadline.Infinite, default));
    }

    [Fact]
    public void A_deadline_ends_the_wait_and_an_immediate_one_does_not_begin_it()
    {
        Assert.False(Wait(0, true, Deadline.Immediate, default));
        Assert.False(Wait(0, true, Deadline.After(TimeSpan.FromMilliseconds(20)), default));
    }

    [Fact]
    public void Cancelling_and_closing_end_the_wait_of_that_thread()
    {
        using var cancel = new CancellationTokenSource();
        using var close = new CancellationTokenSource();
        using var entered = new CountdownEvent(2);
        var cancelled = Task.Run(() =>
        {
            entered.Signal();
            Until(1, true, cancel.Token, default);
        });
        var closed = Task.Run(() =>
        {
            entered.Signal();
            Until(1, true, default, close.Token);
        });
        entered.Wait();
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(cancelled.GetAwaiter().GetResult);
        close.Cancel();
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(closed.GetAwaiter().GetResult).Id);
    }

    [Fact]
    public void A_region_refuses_a_range_outside_of_it_and_all_use_after_its_end()
    {
        (long, long)[] outside = [(4096, 1), (-1, 1), (0, 4097), (0, -1), (long.MaxValue, 1), (1, long.MaxValue), (long.MinValue, 4096)];
        foreach (var (offset, count) in outside)
            Assert.False(_region.Contains(offset, count), $"{offset}+{count}");
        Assert.True(_region.Contains(4096, 0));
        Assert.True(_region.Contains(0, 4096));
        _region.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _region.Enter().Dispose());
    }

    private unsafe bool Wait(uint expected, bool shared, Deadline deadline, CancellationToken cancellation)
    {
        using var hold = _region.Enter();
        return Waiter.WhileEqual((uint*)hold.Start, expected, shared, new(deadline, cancellation), CancellationToken.None);
    }

    private unsafe bool Until(uint wanted, bool shared, CancellationToken cancellation, CancellationToken closing)
    {
        using var hold = _region.Enter();
        var word = (uint*)hold.Start;
        while (Volatile.Read(ref *word) is var seen && seen != wanted)
        {
            if (!Waiter.WhileEqual(word, seen, shared, new(Deadline.Infinite, cancellation), closing)) return false;
        }
        return true;
    }

    private unsafe void Change(uint value, bool shared)
    {
        using var hold = _region.Enter();
        Volatile.Write(ref *(uint*)hold.Start, value);
        Waiter.Wake((uint*)hold.Start, int.MaxValue, shared);
    }
}
