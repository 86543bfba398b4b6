using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace IpcPs.Tests.Peers;

/// <summary>A program in another language that a test talks to: a C source, compiled once, or a Python script.</summary>
internal sealed class Peer : IDisposable
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> Compiled = new();
    private readonly Process _process;

    private Peer(Process process) => _process = process;

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>What is written here it reads.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Compiles and starts a C program.</summary>
    public static Peer StartC(string source, params string[] arguments) =>
        Start(Compiled.GetOrAdd(source, static s => new Lazy<string>(() => Compile(s))).Value, arguments);

    /// <summary>Starts a Python script.</summary>
    public static Peer StartPython(string script, params string[] arguments) => Start("python3", ["-c", script, .. arguments]);

    /// <summary>Runs a C program to its end.</summary>
    /// <returns>What it wrote, without the last line end.</returns>
    public static string RunC(string source, params string[] arguments)
    {
        using var peer = StartC(source, arguments);
        return peer.Finish();
    }

    /// <summary>Runs a Python script to its end.</summary>
    public static string RunPython(string script, params string[] arguments)
    {
        using var peer = StartPython(script, arguments);
        return peer.Finish();
    }

    /// <summary>Runs any program to its end.</summary>
    /// <returns>What it wrote, without the last line end.</returns>
    public static string Run(string program, params string[] arguments)
    {
        using var peer = Start(program, arguments);
        return peer.Finish();
    }

    /// <summary>Whether a program is on PATH.</summary>
    public static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>What it does, for the message of a test that waited for it in vain.</summary>
    public string State => _process.HasExited
        ? $"ended with {_process.ExitCode}: {_process.StandardError.ReadToEnd()}"
        : $"runs, and is in {File.ReadAllText($"/proc/{Id}/wchan")}";

    /// <summary>Waits for its next line.</summary>
    /// <exception cref="TimeoutException">None came within two minutes.</exception>
    public string? ReadLine() => Within(_process.StandardOutput.ReadLineAsync(), "write a line");

    /// <summary>Stops it, and waits until it has stopped: until then it could still take a signal that is lower than STOP.</summary>
    public void Stop()
    {
        Run("kill", "-STOP", $"{Id}");
        if (!SpinWait.SpinUntil(() => File.ReadAllText($"/proc/{Id}/stat").Contains(") T ", StringComparison.Ordinal), 60_000))
            throw new TimeoutException($"The peer {Id} did not stop.");
    }

    /// <summary>Kills it, kill -9, and waits until it is gone.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Waits for its end, which must be a good one.</summary>
    /// <exception cref="TimeoutException">It did not end within two minutes.</exception>
    public string Finish()
    {
        var output = _process.StandardOutput.ReadToEndAsync();
        var errors = _process.StandardError.ReadToEndAsync();
        Within(Task.WhenAll(output, errors), "end");
        _process.WaitForExit();
        return _process.ExitCode == 0 ? output.Result.TrimEnd('\n')
            : throw new InvalidOperationException($"The peer ended with {_process.ExitCode}: {output.Result}{errors.Result}");
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    /// <summary>Starts any program.</summary>
    public static Peer Start(string program, IEnumerable<string> arguments) =>
        new(Process.Start(
            new ProcessStartInfo(
            program, arguments)
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!);

    private T Within<T>(Task<T> task, string what)
    {
        if (task.Wait(TimeSpan.FromMinutes(2))) return task.Result;
        throw new TimeoutException($"The peer {Id} did not {what}: it {State}.");
    }

    private static string Compile(string source)
    {
        var folder = Path.Combine(Path.GetTempPath(), "ipcps-test-peers");
        Directory.CreateDirectory(folder);
        var name = Path.Combine(folder, Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(source)))[..16]);
        if (File.Exists(name)) return name;
        var own = $"{name}.{Environment.ProcessId}";
        File.WriteAllText(own + ".c", source);
        using var gcc = Process.Start(
            new ProcessStartInfo("gcc", ["-O2", "-o", own, own + ".c", "-pthread", "-lrt"]) { RedirectStandardError = true })!;
        var errors = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        if (gcc.ExitCode != 0) throw new InvalidOperationException(errors);
        File.Delete(own + ".c");
        // Another test process may have been as fast.
        File.Move(own, name, overwrite: true);
        return name;
    }
}
