using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>Runs examples as a reader would: each in a new session that imported IpcPs, in a folder with only the files of the
/// page.</summary>
/// <remarks>
/// Names such as <c>mq:/jobs</c> occur in many examples, and perhaps on the machine as well. So each example gets IPC and mount
/// namespaces of its own. The kernel's lists are empty in them before the example, and must be empty after it. On a machine that
/// refuses namespaces, the examples run one after the other, and only objects with names that the example contains are checked.
/// Several examples share a pwsh, where each has a runspace of its own: to start one costs more than most examples.
/// </remarks>
internal sealed class PrintedExampleRun : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>How long child processes may take to end after the session. They notice its end when a pipe is closed.</summary>
    private static readonly TimeSpan ChildrenLimit = TimeSpan.FromSeconds(30);

    private const string Mount = "mount -t tmpfs none /dev/shm && mount -t mqueue none \"$folder/queues\"";

    // Lists the kernel's objects before and after the example. The output goes to files: a pipe would be kept open by a child
    // process that does not end.
    private const string Script = """
        objects() {
            find /dev/shm "$folder/queues" /dev/mqueue -mindepth 1 2>/dev/null
            awk 'FNR > 1 { print FILENAME ", key " $1 ", id " $2 }' /proc/sysvipc/msg /proc/sysvipc/sem /proc/sysvipc/shm
        }
        objects | sort > "$folder/before"
        cd "$folder/work"
        "$@" < /dev/null > "$folder/output" 2> "$folder/error"
        code=$?
        objects | sort | comm -13 "$folder/before" - > "$folder/left"
        exit $code
        """;

    private static readonly string[]? Namespaces = FindNamespaces();
    private static readonly SemaphoreSlim OneByOne = new(1);

    // Runs each file in a runspace and a folder of its own. What goes wrong is on standard error, with the number of the example.
    private const string Driver = """
        $number = 0
        foreach ($file in $args) {
            $number++
            $runspace = [runspacefactory]::CreateRunspace($Host)
            $runspace.Open()
            [Environment]::CurrentDirectory = [IO.Path]::GetDirectoryName($file)
            $runspace.SessionStateProxy.Path.SetLocation([Environment]::CurrentDirectory) | Out-Null
            $shell = [powershell]::Create($runspace)
            $null = $shell.AddScript('param($file) . $file').AddArgument($file).AddCommand('Out-Default')
            try { $shell.Invoke() | Out-Null } catch { [Console]::Error.WriteLine("Example ${number}: $_") }
            foreach ($e in $shell.Streams.Error) { [Console]::Error.WriteLine("Example ${number}: $e") }
            $shell.Dispose(); $runspace.Dispose()
        }
        """;

    private readonly IReadOnlyList<PrintedExample> _examples;
    private readonly List<string> _scripts = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-example-").FullName;

    private PrintedExampleRun(IReadOnlyList<PrintedExample> examples)
    {
        _examples = examples;
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        foreach (var name in (string[])["work", "run", "queues", "temporary"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, name), OwnerOnly);
        }
        WriteFiles(Path.Combine(_folder, "work"));
        foreach (var example in examples)
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder, $"{_scripts.Count}")).FullName;
            WriteFiles(folder);
            _scripts.Add(Path.Combine(folder, "example.ps1"));
            File.WriteAllText(_scripts[^1], $"Import-Module IpcPs\n{example.Text}\n");
        }
        File.WriteAllText(Path.Combine(_folder, "driver.ps1"), Driver);

        void WriteFiles(string folder)
        {
            foreach (var (name, text) in examples[0].Files) File.WriteAllText(Path.Combine(folder, name), text);
        }
    }

    private string RuntimeDirectory => Path.Combine(_folder, "run");

    /// <summary>Runs the examples. Fails the test if one does not end in time, does not succeed, or leaves something behind.</summary>
    /// <param name="examples">One, or several of one page.</param>
    public static async Task RunAsync(params IReadOnlyList<PrintedExample> examples)
    {
        if (Namespaces is null) await OneByOne.WaitAsync();
        try
        {
            using var run = new PrintedExampleRun(examples);
            await run.RunAsync();
        }
        finally
        {
            if (Namespaces is null) OneByOne.Release();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task RunAsync()
    {
        string[] script = _scripts.Count == 1 ? [_scripts[0]] : [Path.Combine(_folder, "driver.ps1"), .. _scripts];
        string[] command = [Shell.Pwsh.Path, "-NoProfile", "-NonInteractive", "-File", .. script];
        using var process = Process.Start(StartInfo(command))!;
        var faults = new List<string>();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            if (process.ExitCode != 0) faults.Add($"The exit code is {process.ExitCode}.");
        }
        catch (OperationCanceledException)
        {
            faults.Add($"It did not end within {Limit.TotalMinutes} minutes.");
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        faults.AddRange(EndChildren());
        var error = Text("error");
        if (error.Length > 0) faults.Add("It wrote errors.");
        faults.AddRange(Lines("left").Where(IsOfThisExample).Select(static line => $"It left {line}."));
        var runtimeFolder = new DirectoryInfo(Path.Combine(RuntimeDirectory, "ipcps"));
        if (runtimeFolder.Exists)
        {
            faults.AddRange(runtimeFolder.EnumerateFileSystemInfos().Select(static file => $"It left {file.Name} in the runtime folder."));
        }
        if (faults.Count == 0) return;
        var texts = _examples.Select(static (e, i) => $"Example {i + 1}, '{e.Heading}', block {e.Number}:\n{e.Text}");
        Assert.Fail($"{_examples[0].Page}:\n{string.Join('\n', faults)}\n\n{string.Join("\n\n", texts)}\n\n"
            + $"Output:\n{Text("output")}\nErrors:\n{error}");
    }

    private ProcessStartInfo StartInfo(string[] command)
    {
        var script = new StringBuilder("folder=$1\nshift\n");
        if (Namespaces is not null) script.AppendLine(CultureInfo.InvariantCulture, $"{Mount} || exit 125");
        script.Append(Script);
        string[] arguments = [.. Namespaces ?? [], "sh", "-c", script.ToString(), "sh", _folder, .. command];
        var start = new ProcessStartInfo(arguments[0], arguments[1..]) { WorkingDirectory = _folder };
        start.Environment["XDG_RUNTIME_DIR"] = RuntimeDirectory;
        start.Environment["TMPDIR"] = Path.Combine(_folder, "temporary");
        // The module of this build is found by its name, as an installed one is, and before any installed one.
        start.Environment["PSModulePath"] = Path.Combine(Build.RepositoryRoot, "artifacts", "modules");
        start.Environment["XDG_DATA_HOME"] = Path.Combine(_folder, "data");
        start.Environment["NO_COLOR"] = "1";
        start.Environment["POWERSHELL_UPDATECHECK"] = "Off";
        start.Environment["POWERSHELL_TELEMETRY_OPTOUT"] = "1";
        return start;
    }

    /// <summary>Waits for the processes that the example started, and kills and reports those that do not end.</summary>
    /// <remarks>They are identified by the runtime directory in their environment. No other example has the same.</remarks>
    private IEnumerable<string> EndChildren()
    {
        using var limit = new CancellationTokenSource(ChildrenLimit);
        var mark = Encoding.UTF8.GetBytes($"XDG_RUNTIME_DIR={RuntimeDirectory}\0");
        var ids = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(static name => char.IsAsciiDigit(name![0]));
        foreach (var id in ids)
        {
            string name;
            try
            {
                if (File.ReadAllBytes($"/proc/{id}/environ").AsSpan().IndexOf(mark) < 0) continue;
                using var child = Process.GetProcessById(int.Parse(id!, CultureInfo.InvariantCulture));
                name = child.ProcessName;
                try
                {
                    child.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
                    continue;
                }
                catch (OperationCanceledException)
                {
                    child.Kill();
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException
                or ArgumentException or InvalidOperationException or Win32Exception)
            {
                // It has ended, or it belongs to another user.
                continue;
            }
            yield return $"Its child process {id} ({name}) still ran.";
        }
    }

    // Without namespaces of its own, a new object may also come from a test that runs at the same time.
    private bool IsOfThisExample(string line) =>
        Namespaces is not null
        || _examples.Any(e => e.Text.Contains(line[(line.LastIndexOfAny(['/', '.']) + 1)..], StringComparison.Ordinal));

    private string Text(string name) => Path.Combine(_folder, name) is var path && File.Exists(path) ? File.ReadAllText(path) : "";

    private string[] Lines(string name) => Text(name).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[]? FindNamespaces()
    {
        var folder = Directory.CreateTempSubdirectory("ipcps-example-");
        try
        {
            folder.CreateSubdirectory("queues");
            return ((string[][])[["unshare", "--ipc", "--mount"], ["unshare", "--user", "--map-root-user", "--ipc", "--mount"]])
                .FirstOrDefault(unshare => Succeeds([.. unshare, "sh", "-c", $"folder=$1; {Mount}", "sh", folder.FullName]));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static bool Succeeds(string[] command)
    {
        try
        {
            var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
