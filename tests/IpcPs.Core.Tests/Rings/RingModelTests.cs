using IpcPs.Rings;
using IpcPs.Tests.Rings.Model;
using Xunit;
using Xunit.Abstractions;

namespace IpcPs.Tests.Rings;

/// <summary>Every interleaving of the ring's steps, with store buffers and with participants killed before any step.</summary>
public class RingModelTests(ITestOutputHelper output)
{
    private const int All = int.MaxValue;

    [Theory]
    [InlineData(RingDelivery.Queue, new[] { 3 }, 1, 1, All)]
    [InlineData(RingDelivery.Queue, new[] { 1, 1 }, 1, 1, 2)]
    [InlineData(RingDelivery.Queue, new[] { 2 }, 2, 1, 2)]
    [InlineData(RingDelivery.Queue, new[] { 2, 1 }, 2, 1, 1)]
    [InlineData(RingDelivery.BroadcastHold, new[] { 3 }, 1, 1, All)]
    [InlineData(RingDelivery.BroadcastHold, new[] { 2, 1 }, 1, 1, 2)]
    [InlineData(RingDelivery.BroadcastDropOldest, new[] { 3 }, 1, 1, All)]
    [InlineData(RingDelivery.BroadcastDropOldest, new[] { 2, 1 }, 1, 1, 2)]
    public void No_interleaving_loses_repeats_or_hangs(RingDelivery delivery, int[] messages, int readers, int kills, int preemptions)
    {
        var checker = new ModelChecker(delivery, kills, preemptions);
        Exception? failure = null;
        // With a stack as deep as all steps together are long.
        var thread = new Thread(
            () =>
            {
                try
                {
                    checker.Check(messages, readers);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            },
            256 * 1024 * 1024);
        thread.Start();
        thread.Join();
        output.WriteLine($"{checker.States} states, {checker.Ends} ends");
        if (failure is not null) throw failure;
    }
}
