using System.Diagnostics;
using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Processes;

namespace IpcPs.Benchmarks.Nats;

/// <summary>A nats-server of this process on loopback, which keeps its messages in files.</summary>
internal sealed class LoopbackNats : IDisposable
{
    // Not in the PATH of every user.
    private const string Debian = "/usr/sbin/nats-server";

    private static readonly Lazy<LoopbackNats?> Lazy = new(Start);

    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-benchmark-nats-").FullName;
    private readonly Process _process;

    private LoopbackNats(string program)
    {
        var port = LoopbackServer.FreePort();
        Url = string.Create(CultureInfo.InvariantCulture, $"nats://127.0.0.1:{port}");
        string[] arguments = ["-a", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "-js", "-sd", _folder];
        _process = LoopbackServer.Start(program, arguments, "is ready");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose();
    }

    /// <summary>The server; null if this machine has none.</summary>
    public static LoopbackNats? Instance => Lazy.Value;

    /// <summary>Where it is.</summary>
    public string Url { get; }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private static LoopbackNats? Start() =>
        (Programs.Find("nats-server") ?? (File.Exists(Debian) ? Debian : null)) is { } program ? new LoopbackNats(program) : null;
}
