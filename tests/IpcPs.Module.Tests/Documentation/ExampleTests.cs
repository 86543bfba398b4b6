using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using IpcPs.Module.Tests.Sockets;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>The scripts of docs/examples, as users run them. The story has tests of its own.</summary>
public sealed class ExampleTests : IDisposable
{
    private const int SIGINT = 2;

    private readonly string _name = $"example-{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Big_data_copies_a_file()
    {
        // Neither a multiple of the part's size, nor smaller than it.
        var file = Path.Combine(_folder, "data");
        var copy = Path.Combine(_folder, "copy");
        File.WriteAllBytes(file, RandomNumberGenerator.GetBytes((5 << 20) + 123));
        var result = Json("big-data.ps1", $"-Path '{file}' -Destination '{copy}' -PartSize 1MB -Name {_name}");
        Assert.Equal((5 << 20) + 123, result.GetProperty("Bytes").GetInt64());
        Assert.Equal(Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))), result.GetProperty("Sha256").GetString());
        Assert.NotEqual(result.GetProperty("SenderId").GetInt32(), result.GetProperty("ReceiverId").GetInt32());
        Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(copy));
        AssertNothingIsLeft();
    }

    [Fact]
    public void Big_data_has_two_sides_that_two_processes_can_play()
    {
        var file = Path.Combine(_folder, "data");
        var copy = Path.Combine(_folder, "copy");
        File.WriteAllText(file, "a small file");
        using var receiver = Start("big-data.ps1", "-Role", "Receive", "-Name", _name, "-Destination", copy);
        Run("big-data.ps1", "-Role", "Send", "-Name", _name, "-Path", file).Succeeded();
        Assert.Contains(copy, receiver.Finish().Succeeded().Output, StringComparison.Ordinal);
        Assert.Equal("a small file", File.ReadAllText(copy));
        AssertNothingIsLeft();
    }

    [Fact]
    public void Big_data_reports_what_failed_in_the_receiver_and_leaves_nothing()
    {
        var result = Run("big-data.ps1", "-Megabytes", "1", "-Destination", "/nonexistent/copy", "-Name", _name);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("The receiver failed: ", result.Error, StringComparison.Ordinal);
        AssertNothingIsLeft();
    }

    [Fact]
    public void Big_data_that_is_interrupted_leaves_nothing()
    {
        using var sender = Start("big-data.ps1", "-Megabytes", "1", "-Role", "Send", "-Name", _name);
        using (var session = new ModuleSession())
        {
            // The announcement comes when all objects exist.
            session.Run("Open-IpcObject \"mq:/$args\" -Wait -Timeout 60 | Receive-IpcMessage -Timeout 60", _name).NoErrors();
            Assert.NotEmpty(Left(session));
        }
        Assert.NotEmpty(Directory.EnumerateFiles(_folder, "*.tmp"));
        sender.Signal(SIGINT);
        sender.Finish();
        AssertNothingIsLeft();
    }

    [Fact]
    public void Words_are_counted_as_wc_counts_them()
    {
        File.WriteAllText(Path.Combine(_folder, "a.md"), "one two\tthree\n\n two  TWO\n");
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        File.WriteAllText(Path.Combine(_folder, "sub", "b.md"), "Keys keys\nvalues");
        File.WriteAllText(Path.Combine(_folder, "not-a-source"), "other words");
        var words = Json("word-count.ps1", $"-Path '{_folder}' -Workers 3").EnumerateArray()
            .Select(static w => (w.GetProperty("Word").GetString()!.ToLowerInvariant(), w.GetProperty("Count").GetInt64()));
        Assert.Equal([("two", 3L), ("keys", 2L), ("one", 1L), ("three", 1L), ("values", 1L)], words);
    }

    [Fact]
    public void Files_are_hashed_in_order_and_a_log_continues_an_interrupted_run()
    {
        string[] names = ["a", "b", "c"];
        foreach (var folder in new[] { "now", "later" }) Directory.CreateDirectory(Path.Combine(_folder, folder));
        foreach (var name in names.Reverse()) File.WriteAllText(Path.Combine(_folder, "now", name), name);
        var log = Path.Combine(Path.GetTempPath(), $"{_name}.log");
        try
        {
            File.WriteAllText(Path.Combine(_folder, "later", "d"), "d");
            // One process for all: each of them starts workers.
            var result = Shell.Pwsh.Run(
                $$"""
                $ProgressPreference = 'SilentlyContinue'
                $options = @{ Path = '{{_folder}}/now'; Workers = 2; Log = '{{log}}' }
                & '{{Example("jobs/hash-folder.ps1")}}' @options | ForEach-Object { "$(Split-Path -Leaf $_.Path) $($_.SHA256)" }
                Move-Item '{{_folder}}/later/d' '{{_folder}}/now'
                & '{{Example("jobs/hash-folder.ps1")}}' @options -Resume | ForEach-Object { Split-Path -Leaf $_.Path }
                & '{{Example("jobs/hash-folder.ps1")}}' '{{_folder}}/now' -Workers 1 -Compare | ForEach-Object { "$($_.Way) $($_.Same)" }
                """).Succeeded();
            string[] expected =
            [
                .. names.Select(static n => $"{n} {Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(n)))}"),
                "d", "Invoke-IpcParallel True", "ForEach-Object -Parallel True",
            ];
            Assert.Equal(expected, result.Lines);
        }
        finally
        {
            File.Delete(log);
        }
    }

    [NeedsFact("python3")]
    public void After_a_crash_only_the_stale_objects_are_removed()
    {
        var lines = Shell.Pwsh.Run(
            $$"""
            & '{{Example("inventory/after-a-crash.ps1")}}' | ForEach-Object { "$($_.Step) $($_.IsStale) $($_.Address)" }
            $PID
            """).Succeeded().Lines;
        var name = $"crash-{lines[^1]}";
        Assert.Equal(
            [
                $"cleared False fifo:{name}-own",
                $"killed False fifo:{name}-own",
                $"killed True fifo:{name}",
                $"killed True shm:/{name}",
                $"killed True unix:{name}.s",
                $"running False fifo:{name}",
                $"running False fifo:{name}-own",
                $"running False shm:/{name}",
                $"running False unix:{name}.s",
            ],
            lines[..^1].Order(StringComparer.Ordinal));
        using var session = new ModuleSession();
        Assert.Empty(session.Run("Get-IpcObject \"$args*\" -All", name).NoErrors().Values);
    }

    [Theory]
    [InlineData("big-data.ps1", "-Path /nonexistent", "ParameterArgumentValidationError")]
    [InlineData("big-data.ps1", "-Role Receive -Name example-nothing -Timeout 0.05", "IpcTimeout")]
    [InlineData("word-count.ps1", "-Path /nonexistent", "ParameterArgumentValidationError")]
    [InlineData("jobs/hash-folder.ps1", "-Path /nonexistent", "ParameterArgumentValidationError")]
    [InlineData("story.ps1", "-Megabytes 1", "ParameterArgumentValidationError")]
    [InlineData("signals/clean-shutdown.ps1", "-Queue a/b", "IpcInvalidName")]
    public void Wrong_input_is_an_error_that_names_it(string example, string arguments, string errorId)
    {
        using var session = new ModuleSession();
        var error = session.Run($"try {{ & '{Example(example)}' {arguments} }} catch {{ $_.FullyQualifiedErrorId }}");
        Assert.StartsWith(errorId, Assert.IsType<string>(error.Single()), StringComparison.Ordinal);
    }

    /// <summary>The rules of PowerShell's script analyzer that say most to a reader.</summary>
    [Fact]
    public void Scripts_keep_the_rules_of_PowerShell()
    {
        using var session = new ModuleSession();
        var faults = session.Run(
            """
            $verbs = (Get-Verb).Verb
            $aliases = (Get-Alias).Name
            foreach ($file in Get-ChildItem $args[0] -Recurse -Filter *.ps1) {
                $tokens = $errors = $null
                $script = [Management.Automation.Language.Parser]::ParseFile($file.FullName, [ref] $tokens, [ref] $errors)
                $help = $script.GetHelpContent()
                $errors | ForEach-Object { "$($file.Name): $($_.Message)" }
                if (-not $script.ScriptRequirements.RequiredPSVersion) { "$($file.Name): no #requires -Version" }
                if (-not ($help.Synopsis -and $help.Description -and $help.Examples)) { "$($file.Name): incomplete help" }
                foreach ($parameter in $script.ParamBlock.Parameters.Name.VariablePath.UserPath) {
                    if (-not $help.Parameters.ContainsKey($parameter.ToUpper())) { "$($file.Name): no help for -$parameter" }
                }
                foreach ($ast in $script.FindAll({ $true }, $true)) {
                    switch ($ast.GetType().Name) {
                        CommandAst { if ($ast.GetCommandName() -in $aliases) { "$($file.Name): the alias $($ast.GetCommandName())" } }
                        FunctionDefinitionAst { if (($ast.Name -split '-')[0] -notin $verbs) { "$($file.Name): the verb of $($ast.Name)" } }
                        TypeExpressionAst { if ($ast.TypeName.Name -like '*Linq*') { "$($file.Name): $($ast.TypeName.Name)" } }
                    }
                }
                # Without a byte order mark, other readers than pwsh may take the bytes for another encoding.
                if ($script.Extent.Text -match '[^\x00-\x7f]') { "$($file.Name): a character that is not ASCII: $($Matches[0])" }
            }
            """,
            Example(""));
        Assert.Empty(faults.NoErrors().Values);
    }

    [NeedsFact("gcc")]
    public void C_programs_compile_without_a_warning()
    {
        var programs = Directory.EnumerateFiles(Example(""), "*.c", SearchOption.AllDirectories).ToList();
        Assert.NotEmpty(programs);
        foreach (var program in programs)
        {
            string[] arguments = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", Path.Combine(_folder, "program"), program];
            Shell.Find("gcc")!.RunArguments(arguments).Succeeded();
        }
    }

    private static string Example(string name) => Path.Combine(Build.RepositoryRoot, "docs", "examples", name);

    private static JsonElement Json(string example, string arguments)
    {
        // Progress would come on standard error, which has to be empty.
        var script = $"$ProgressPreference = 'SilentlyContinue'; & '{Example(example)}' {arguments} | ConvertTo-Json -Compress";
        return JsonDocument.Parse(Shell.Pwsh.Run(script).Succeeded().Output).RootElement;
    }

    // Temporary files come into the test's folder, so that it sees those that are left.
    private ShellProcess Start(string example, params string[] arguments) =>
        Shell.Pwsh.StartArguments(
            ["-NoProfile", "-NonInteractive", Example(example), .. arguments],
            new Dictionary<string, string?> { ["TMPDIR"] = _folder });

    private ShellResult Run(string example, params string[] arguments)
    {
        using var running = Start(example, arguments);
        return running.Finish();
    }

    private void AssertNothingIsLeft()
    {
        using var session = new ModuleSession();
        Assert.Empty(Left(session));
        Assert.Empty(Directory.EnumerateFiles(_folder, "*.tmp"));
    }

    private IReadOnlyList<object?> Left(ModuleSession session) => session.Run("Get-IpcObject \"*$args*\" -All", _name).NoErrors().Values;
}
