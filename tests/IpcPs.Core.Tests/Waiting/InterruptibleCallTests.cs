using Xunit;

namespace IpcPs.Tests.Waiting;

public class InterruptibleCallTests
{
    [Fact]
    public void A_token_that_is_cancelled_while_the_call_begins_ends_it()
    {
        using var cancel = new CancellationTokenSource();
        using var closing = new CancellationTokenSource();
        closing.Cancel();
        var call = new Never();
        Assert.Throws<IpcException>(() => InterruptibleCall.Invoke<Never, int>(ref call, out _, cancel.Token, closing.Token));
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => InterruptibleCall.Invoke<Never, int>(ref call, out _, cancel.Token));
    }

    private readonly struct Never : IBlockingCall<int>
    {
        public int Invoke(out int result) => throw new InvalidOperationException("The call was made.");
    }
}
