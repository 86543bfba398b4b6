using IpcPs.Proc;
using IpcPs.Queues;
using Xunit;

namespace IpcPs.Tests.Queues;

/// <summary>Each error names the limit, its value and what raises it. Tests that need lower limits than the machine's are among the
/// module's tests.</summary>
[Collection(nameof(QueueTests))]
public class QueueLimitTests
{
    [Fact]
    public void More_messages_than_the_kernel_allows()
    {
        var error = Assert.Throws<IpcException>(() => TestQueue.Posix(1_000_000, 10));
        Assert.Equal((IpcErrors.LimitReached, "mq_open"), (error.Id, error.Call));
        Assert.Contains($"fs.mqueue.msg_max is {Sysctl("fs/mqueue/msg_max")}.", error.Message, StringComparison.Ordinal);
        Assert.Contains("sysctl fs.mqueue.msg_max=65536", error.RecommendedAction, StringComparison.Ordinal);
    }

    [Fact]
    public void Larger_messages_than_the_kernel_allows()
    {
        var error = Assert.Throws<IpcException>(() => TestQueue.Posix(1, 1L << 30));
        Assert.Equal(IpcErrors.LimitReached, error.Id);
        Assert.Contains($"fs.mqueue.msgsize_max is {Sysctl("fs/mqueue/msgsize_max")}.", error.Message, StringComparison.Ordinal);
        Assert.Contains("sysctl fs.mqueue.msgsize_max=16777216", error.RecommendedAction, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(-1, 10)]
    [InlineData(10, 0)]
    public void Nothing_at_all_is_no_size(long messages, long size) =>
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => TestQueue.Posix(messages, size)).Id);

    [Fact]
    public void A_system_v_queue_larger_than_the_kernel_allows_is_refused_or_made()
    {
        var most = Sysctl("kernel/msgmnb");
        try
        {
            // Root with CAP_SYS_RESOURCE may have more than the limit.
            using var queue = TestQueue.SysV(most + 1);
            Assert.Equal(most + 1, ((SysVQueue)queue.Queue).MaxBytes);
        }
        catch (IpcException e)
        {
            Assert.Equal(IpcErrors.LimitReached, e.Id);
            Assert.Contains($"kernel.msgmnb is {most}.", e.Message, StringComparison.Ordinal);
            Assert.Contains($"sysctl kernel.msgmnb={most + 1}", e.RecommendedAction, StringComparison.Ordinal);
        }
    }

    private static long Sysctl(string name) =>
        long.Parse(File.ReadAllText("/proc/sys/" + name), System.Globalization.CultureInfo.InvariantCulture);
}
