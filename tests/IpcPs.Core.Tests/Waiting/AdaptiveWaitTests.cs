using Xunit;

namespace IpcPs.Tests.Waiting;

public class AdaptiveWaitTests
{
    [Fact]
    public void A_receiver_that_finds_messages_ready_no_longer_yields_before_it_looks()
    {
        // A conversation with a peer on the same core: each message comes after one yield.
        var spin = default(AdaptiveWait);
        for (var i = 0; i < 100; i++) spin.Succeeded(sharedCore: true);
        Assert.True(spin.YieldsFirst);

        // Then a stream whose messages are there already. Within one trial, the receiver has to notice that it waits for nothing.
        var ready = new Ready();
        for (var i = 0; i < 200; i++) Assert.True(Waiter.TryFirst(ref ready, ref spin));
        for (var i = 0; i < 200; i++) Assert.False(spin.YieldsFirst);
    }

    [Fact]
    public void A_receiver_whose_peer_shares_its_core_goes_on_yielding()
    {
        var spin = default(AdaptiveWait);
        for (var i = 0; i < 100; i++) spin.Succeeded(sharedCore: true);
        var never = new Never();
        var yields = 0;
        for (var i = 0; i < 650; i++)
        {
            if (spin.YieldsFirst) yields++;
            Assert.False(never.TryOnce());
            spin.Succeeded(sharedCore: true);
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
