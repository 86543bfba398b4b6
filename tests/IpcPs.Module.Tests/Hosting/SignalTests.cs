using IpcPs.Signals;
using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>Real signals to a real ipcps: every one ends it in order.</summary>
public class SignalTests
{
    private const int SIGHUP = 1;
    private const int SIGINT = 2;
    private const int SIGTERM = 15;

    private const string Endless = """
        try {
            [Console]::WriteLine('running')
            while ($true) { }
        }
        finally {
            [Console]::WriteLine('finally')
            [Console]::WriteLine('done')
        }
        """;

    [Theory]
    [InlineData(SIGINT)]
    [InlineData(SIGTERM)]
    [InlineData(SIGHUP)]
    public void A_signal_stops_the_script_and_runs_its_finally(int signal)
    {
        using var script = new Script(Endless);
        using var running = ModuleSession.Host.StartArguments([script.Path]);
        running.Expect("running");
        running.Signal(signal);
        var result = running.Finish();
        Assert.Equal(["finally", "done"], result.Lines);
        Assert.Equal("", result.Error);
        Assert.Equal(128 + signal, result.ExitCode);
    }

    [Theory]
    [InlineData(SIGINT)]
    [InlineData(SIGTERM)]
    public void A_second_signal_does_not_cut_the_finally_short(int signal)
    {
        // The finally waits for us, so that the second signal surely comes while it runs.
        using var running = ModuleSession.Host.StartArguments(["-Command", """
            try { [Console]::WriteLine('running'); while ($true) { } }
            finally { [Console]::WriteLine('finally'); $null = [Console]::ReadLine(); [Console]::WriteLine('done') }
            """]);
        running.Expect("running");
        running.Signal(signal);
        running.Expect("finally");
        running.Signal(signal);
        var result = running.Finish("go on\n");
        Assert.Equal(["done"], result.Lines);
        Assert.Equal(128 + signal, result.ExitCode);
    }

    [Fact]
    public void A_signal_ends_a_cmdlet_that_waits()
    {
        using var running = ModuleSession.Host.Start("$pipe = New-IpcPipe; try { [Console]::WriteLine('running'); Receive-IpcMessage $pipe } finally { [Console]::WriteLine('finally') }");
        running.Expect("running");
        running.Signal(SIGINT);
        var result = running.Finish();
        Assert.Equal(["finally"], result.Lines);
        Assert.Equal(128 + SIGINT, result.ExitCode);
    }

    [Fact]
    public void A_signal_ends_a_program_that_the_script_waits_for()
    {
        using var running = ModuleSession.Host.StartArguments(["-Command", "try { sh -c 'echo $$; exec sleep 1000' } finally { [Console]::WriteLine('finally') }"]);
        var child = int.Parse(running.ReadLine()!, System.Globalization.CultureInfo.InvariantCulture);
        running.Signal(SIGTERM);
        var result = running.Finish();
        Assert.Equal(["finally"], result.Lines);
        Assert.Equal(128 + SIGTERM, result.ExitCode);
        Assert.False(Directory.Exists($"/proc/{child}"));
    }

    [Fact]
    public void Events_of_the_session_s_end_are_raised()
    {
        using var running = ModuleSession.Host.StartArguments(["-Command", """
            $null = $ExecutionContext.Events.SubscribeEvent($null, 'PowerShell.Exiting', 'PowerShell.Exiting', $null, { [Console]::WriteLine('exiting') }, $true, $false)
            [Console]::WriteLine('running')
            while ($true) { }
            """]);
        running.Expect("running");
        running.Signal(SIGTERM);
        Assert.Equal(["exiting"], running.Finish().Lines);
    }
}
