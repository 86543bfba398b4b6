using System.Text;
using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>What goes where: the streams, arguments and inputs of ipcps are those of pwsh.</summary>
public class StreamTests
{
    // Advanced functions write to every stream without Microsoft.PowerShell.Utility, which the embedded engine lacks.
    private const string EveryStream = """
        function Write-All {
            [CmdletBinding()] param()
            $PSCmdlet.WriteObject('output')
            $PSCmdlet.WriteWarning('warning')
            $PSCmdlet.WriteVerbose('verbose')
            $PSCmdlet.WriteDebug('debug')
            $PSCmdlet.WriteInformation('information', [string[]]@())
            $PSCmdlet.WriteProgress([System.Management.Automation.ProgressRecord]::new(1, 'activity', 'status'))
            $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new([Exception]::new('error'), 'Id', 'NotSpecified', $null))
        }
        Write-All -Verbose -Debug -InformationAction Continue
        $Host.UI.WriteErrorLine('line of error')
        [Console]::Out.WriteLine('console')
        """;

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void Errors_go_to_standard_error_and_all_else_to_standard_output(string shell)
    {
        using var script = new Script(EveryStream);
        var result = ShellData.Get(shell).RunArguments(["-NoProfile", "-NonInteractive", script.Path]);
        Assert.Equal(["output", "WARNING: warning", "VERBOSE: verbose", "DEBUG: debug", "information", "console"], result.Lines);
        Assert.Contains("error", result.Error, StringComparison.Ordinal);
        Assert.Contains("line of error", result.Error, StringComparison.Ordinal);
        // Progress is for terminals.
        Assert.DoesNotContain("activity", result.Output + result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void An_error_says_where_it_happened(string shell)
    {
        using var script = new Script("'first line'\nfunction f { throw 'bad thing' }\nf\n");
        var result = ShellData.Get(shell).RunArguments(["-NoProfile", "-NonInteractive", script.Path]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"{script.Path}:2", result.Error, StringComparison.Ordinal);
        Assert.Contains("function f { throw 'bad thing' }", result.Error, StringComparison.Ordinal);
        Assert.Contains("| bad thing", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void Objects_are_rendered_as_tables_and_lists(string shell)
    {
        var result = ShellData.Get(shell).RunArguments(["-NoProfile", "-Command", "[pscustomobject]@{ Name = 'a'; Size = 1 }, [pscustomobject]@{ Name = 'b'; Size = 22 }"]);
        Assert.Equal(["Name Size", "---- ----", "a       1", "b      22"], result.Succeeded().Lines.Select(static l => l.TrimEnd()).Where(static l => l.Length > 0));
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void The_module_s_views_are_used(string shell)
    {
        var lines = ShellData.Get(shell).Run("$p = New-IpcPipe; $p; Close-IpcObject $p").Succeeded().Lines;
        Assert.Contains(lines, static l => l.StartsWith("Address ", StringComparison.Ordinal));
        Assert.Contains(lines, static l => l.StartsWith("pipe:", StringComparison.Ordinal) && l.Contains("anonymous pipe", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void Arguments_reach_a_script_as_parameters_and_as_args(string shell)
    {
        using var named = new Script("param([string]$Name, [switch]$Flag, [int]$N, [bool]$Off = $true) \"$Name $Flag $N $Off $($args -join ',')\"");
        Assert.Equal(["x True 4 False a,b c"], ShellData.Get(shell).RunArguments(["-NoProfile", "-File", named.Path, "-Name", "x", "-Flag", "-N", "4", "-Off:$false", "a", "b c"]).Succeeded().Lines);
        using var plain = new Script("\"$($args.Count): $($args -join '|')\"; $PSScriptRoot -eq (Split-Path $PSCommandPath)".Replace("(Split-Path $PSCommandPath)", "[IO.Path]::GetDirectoryName($PSCommandPath)", StringComparison.Ordinal));
        Assert.Equal(["7: a|-b|c d|-e|1|*|", "True"], ShellData.Get(shell).RunArguments(["-NoProfile", plain.Path, "a", "-b", "c d", "-e:1", "*", ""]).Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void A_script_without_an_extension_runs(string shell)
    {
        using var script = new Script("#!/usr/bin/env ipcps\n\"ran with $args\"\n", "tool");
        Assert.Equal(["ran with it"], ShellData.Get(shell).RunArguments(["-NoProfile", script.Path, "it"]).Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void An_encoded_command_arrives_unchanged(string shell)
    {
        var encoded = Convert.ToBase64String(Encoding.Unicode.GetBytes("\"é ☃ 😀\"; '$x'"));
        Assert.Equal(["é ☃ 😀", "$x"], ShellData.Get(shell).RunArguments(["-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]).Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void The_rest_of_the_line_is_the_command(string shell) =>
        Assert.Equal(["a b", "3"], ShellData.Get(shell).RunArguments(["-nop", "-noni", "-nologo", "-ex", "Bypass", "-wd", "/", "-c", "'a b';", "1", "+", "2"]).Succeeded().Lines);

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void Lines_of_standard_input_are_the_script_s_input(string shell)
    {
        Assert.Equal(["<one>", "<two>"], ShellData.Get(shell).RunArguments(["-NoProfile", "-Command", "$input | ForEach-Object { \"<$_>\" }"], "one\ntwo\n").Succeeded().Lines);
        using var script = new Script("foreach ($line in $input) { \"<$line>\" }");
        Assert.Equal(["<one>", "<two>"], ShellData.Get(shell).RunArguments(["-NoProfile", script.Path], "one\ntwo\n").Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void A_script_that_does_not_name_its_input_leaves_it_to_whom_it_calls(string shell) =>
        Assert.Equal(["one", "two"], ShellData.Get(shell).RunArguments(["-NoProfile", "-Command", "cat"], "one\ntwo\n").Succeeded().Lines);

    [Fact]
    public void A_script_comes_from_standard_input_whole()
    {
        var script = "param($who)\nif ($false) {\n  'no'\n}\nelse {\n  \"hello $who\"\n}\nexit 4\n'not reached'\n";
        foreach (var arguments in new string[][] { ["-", "you"], ["-File", "-", "you"] })
        {
            var result = ModuleSession.Host.RunArguments(arguments, script);
            Assert.Equal(["hello you"], result.Lines);
            Assert.Equal(4, result.ExitCode);
        }
        Assert.Equal(["2"], ModuleSession.Host.RunArguments([], "1 + 1\n").Succeeded().Lines);
        Assert.Equal(["2"], ModuleSession.Host.RunArguments(["-Command", "-"], "1 + 1\n").Succeeded().Lines);
    }

    [Theory]
    [MemberData(nameof(ShellData.All), MemberType = typeof(ShellData))]
    public void A_question_is_an_error_where_nobody_can_answer(string shell)
    {
        var result = ShellData.Get(shell).RunArguments(["-NoProfile", "-NonInteractive", "-Command", "$Host.UI.ReadLine()"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("NonInteractive", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_host_answers_what_it_is()
    {
        Assert.StartsWith("ipcps 0.", ModuleSession.Host.RunArguments(["-Version"]).Succeeded().Output, StringComparison.Ordinal);
        Assert.StartsWith("Usage: ipcps", ModuleSession.Host.RunArguments(["-Help"]).Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal(["ipcps", "IpcPs"], ModuleSession.Host.Run("$Host.Name; (Get-Module IpcPs).Name").Succeeded().Lines);
    }
}
