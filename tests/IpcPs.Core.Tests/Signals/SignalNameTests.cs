using CsCheck;
using IpcPs.Signals;
using Xunit;

namespace IpcPs.Tests.Signals;

public class SignalNameTests
{
    [Theory]
    [InlineData("TERM", 15)]
    [InlineData("SIGTERM", 15)]
    [InlineData("sigterm", 15)]
    [InlineData("15", 15)]
    [InlineData(" hup ", 1)]
    [InlineData("CLD", 17)]
    [InlineData("SIGIOT", 6)]
    [InlineData("POLL", 29)]
    [InlineData("Test", 0)]
    [InlineData("0", 0)]
    [InlineData("RTMAX", 64)]
    [InlineData("SIGRTMAX-0", 64)]
    [InlineData("rtmax-14", 50)]
    public void A_signal_is_parsed_in_every_notation(string text, int number) => Assert.Equal(number, Signal.Parse(text).Number);

    [Fact]
    public void Real_time_signals_are_counted_from_either_end()
    {
        var min = Signal.RealTimeMinimum;
        Assert.Equal(min, Signal.Parse("RTMIN").Number);
        Assert.Equal(min + 3, Signal.Parse("SIGRTMIN+3").Number);
        Assert.Equal(min + 30 - (min - 34), Signal.Parse("RTMIN+" + (64 - min)).Number);
        Assert.Equal("RTMIN+3", new Signal(min + 3).Name);
        Assert.Equal("RTMAX-2", new Signal(62).Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("SIG")]
    [InlineData("NOPE")]
    [InlineData("65")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("RTMIN+31")]
    [InlineData("RTMIN+-1")]
    [InlineData("RTMIN+")]
    [InlineData("RTMIN-1")]
    [InlineData("RTMAX-31")]
    [InlineData("RTMAX+1")]
    [InlineData("RTMIN+0003")]
    [InlineData("TERM,HUP")]
    public void Text_that_is_not_a_signal_is_refused(string text) =>
        Assert.Equal(IpcErrors.InvalidSignal, Assert.Throws<IpcException>(() => Signal.Parse(text)).Id);

    [Fact]
    public void Every_name_and_alias_is_parsed_to_its_number()
    {
        Assert.Equal(64, SignalTable.All.Count);
        foreach (var signal in SignalTable.All)
        {
            Assert.Equal(signal.Number, Signal.Parse(signal.Name).Number);
            foreach (var alias in signal.Aliases)
            {
                Assert.Equal(signal.Number, Signal.Parse(alias).Number);
                Assert.Equal(signal.Number, Signal.Parse("SIG" + alias).Number);
            }
        }
    }

    [Fact]
    public void Any_text_gives_a_signal_or_one_error() => Gen.String.Sample(static text =>
    {
        if (Signal.TryParse(text, out var signal)) Assert.InRange(signal.Number, 0, 64);
        else Assert.Equal(IpcErrors.InvalidSignal, Assert.Throws<IpcException>(() => Signal.Parse(text)).Id);
    });

    [Theory]
    [InlineData("KILL", "kernel")]
    [InlineData("STOP", "kernel")]
    [InlineData("ILL", ".NET")]
    [InlineData("TRAP", ".NET")]
    [InlineData("ABRT", ".NET")]
    [InlineData("BUS", ".NET")]
    [InlineData("FPE", ".NET")]
    [InlineData("SEGV", ".NET")]
    [InlineData("PIPE", ".NET")]
    [InlineData("STKFLT", "IpcPs")]
    [InlineData("URG", "IpcPs")]
    [InlineData("32", "C library")]
    [InlineData("33", "C library")]
    [InlineData("34", "")]
    [InlineData("0", "never delivered")]
    public void The_error_for_a_signal_that_cannot_be_received_has_the_reason(string name, string reason)
    {
        var error = Assert.Throws<IpcException>(() => new SignalCollector(Signal.Parse(name)));
        Assert.Equal(IpcErrors.SignalRefused, error.Id);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_other_signals_can_be_received()
    {
        foreach (var name in new[] { "HUP", "USR1", "USR2", "ALRM", "TERM", "INT", "WINCH", "CHLD", "CONT" })
            Assert.True(SignalTable.Describe(Signal.Parse(name)).CanReceive);
        for (var n = 35; n <= 64; n++) Assert.True(SignalTable.Describe(new Signal(n)).CanReceive);
    }

    [Fact]
    public void A_set_prints_ranges()
    {
        var all = new SignalSet(ulong.MaxValue);
        Assert.Equal(64, all.Count);
        Assert.EndsWith("RTMIN..RTMAX", all.ToString(), StringComparison.Ordinal);
        Assert.Equal("HUP RTMIN+1 RTMIN+2", new SignalSet(1UL | 1UL << 34 | 1UL << 35).ToString());
        Assert.Equal("", new SignalSet(0).ToString());
        Assert.True(new SignalSet(1UL << 63).Contains(new Signal(64)));
    }
}
