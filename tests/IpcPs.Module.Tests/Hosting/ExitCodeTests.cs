using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>The exit codes of ipcps are those of pwsh.</summary>
public class ExitCodeTests
{
    public static TheoryData<string, string, int> Commands
    {
        get
        {
            var data = new TheoryData<string, string, int>();
            foreach (var shell in ShellData.Names)
            {
                data.Add(shell, "1", 0);
                data.Add(shell, "exit 5", 5);
                data.Add(shell, "exit 300", 44);
                data.Add(shell, "exit -1", 255);
                data.Add(shell, "try { exit 6 } finally { 'x' }", 6);
                data.Add(shell, "throw 'x'", 1);
                data.Add(shell, "trap { exit 8 }; throw 'x'", 8);
                data.Add(shell, "1; nosuchcommand", 1);
                data.Add(shell, "nosuchcommand; 1", 0);
                data.Add(shell, "sh -c 'exit 9'", 1);
                data.Add(shell, "sh -c 'exit 9'; exit $LASTEXITCODE", 9);
                data.Add(shell, "$Host.SetShouldExit(7)", 7);
                data.Add(shell, "1 +", 1);
                data.Add(shell, "[Environment]::Exit(12)", 12);
            }
            return data;
        }
    }

    public static TheoryData<string, string, int> Files
    {
        get
        {
            var data = new TheoryData<string, string, int>();
            foreach (var shell in ShellData.Names)
            {
                data.Add(shell, "1", 0);
                data.Add(shell, "exit 3", 3);
                data.Add(shell, "function f { exit 4 }; f; 'not reached'", 4);
                data.Add(shell, "throw 'x'", 1);
                data.Add(shell, "\"unfinished", 1);
                data.Add(shell, "nosuchcommand", 0);
                data.Add(shell, "sh -c 'exit 9'", 0);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_command_ends_with(string shell, string script, int code) =>
        Assert.Equal(code, ShellData.Get(shell).RunArguments(["-NoProfile", "-NonInteractive", "-Command", script]).ExitCode);

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_ends_with(string shell, string text, int code)
    {
        using var script = new Script(text);
        Assert.Equal(code, ShellData.Get(shell).RunArguments(["-NoProfile", "-NonInteractive", script.Path]).ExitCode);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void A_wrong_command_line_is_a_usage_error(string shell)
    {
        foreach (var wrong in new string[][] { ["/no/such/file.ps1"], ["-Bogus"], ["-Command"], ["-EncodedCommand", "@@@"] })
        {
            var result = ShellData.Get(shell).RunArguments(wrong);
            Assert.Equal(64, result.ExitCode);
            Assert.NotEmpty(result.Error);
        }
    }

    [Fact]
    public void Output_that_nobody_reads_ends_the_script_as_SIGPIPE_ends_a_program()
    {
        using var running = ModuleSession.Host.StartArguments(["-Command", "try { while ($true) { 'line' } } finally { [Console]::Error.WriteLine('cleaned up') }"]);
        Assert.Equal("line", running.ReadLine());
        var result = running.StopReading();
        Assert.Equal(128 + 13, result.ExitCode);
        Assert.Equal("cleaned up\n", result.Error);
    }
}
