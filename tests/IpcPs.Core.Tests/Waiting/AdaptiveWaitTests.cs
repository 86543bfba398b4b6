using Xunit;

namespace IpcPs.Tests.Waiting;

public class AdaptiveWaitTests
{
    [Fact]
    public void A_receiver_that_finds_messages_ready_no_longer_yields_before_it_looks()
    {
        // A conversation with a peer on the same core: each message arrives after one yield.
        var adaptive = default(AdaptiveWait);
        for (var i = 0; i < 100; i++) adaptive.Succeeded(sharedCore: true);
        Assert.True(adaptive.YieldsFirst);

        // Then a stream whose messages have arrived already. By its next trial the receiver must notice that it need not yield.
        var ready = new Ready();
        for (var i = 0; i < 200; i++) Assert.True(Waiter.TryFirst(ref ready, ref adaptive));
        for (var i = 0; i < 200; i++) Assert.False(adaptive.YieldsFirst);
    }

    [Fact]
    public void A_receiver_whose_peer_shares_its_core_goes_on_yielding()
    {
        var adaptive = default(AdaptiveWait);
        for (var i = 0; i < 100; i++) adaptive.Succeeded(sharedCore: true);
        var never = new Never();
        var yields = 0;
        for (var i = 0; i < 650; i++)
        {
            if (adaptive.YieldsFirst) yields++;
            Assert.False(never.TryOnce());
            adaptive.Succeeded(sharedCore: true);
        }
        Assert.Equal(640, yields);
    }

    private struct Ready : IAttempt
    {
        public readonly bool TryOnce() => true;
    }

    private struct Never : IAttempt
    {
        public readonly bool TryOnce() => false;
    }
}
