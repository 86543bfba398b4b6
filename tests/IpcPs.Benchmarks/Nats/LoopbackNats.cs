using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace IpcPs.Benchmarks.Nats;

/// <summary>A nats-server of this process on loopback, which keeps its messages in files.</summary>
internal sealed class LoopbackNats : IDisposable
{
    private static readonly Lazy<LoopbackNats?> Lazy = new(Start);

    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-benchmark-nats-").FullName;
    private readonly Process _process;

    private LoopbackNats(string program)
    {
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }
        Url = string.Create(CultureInfo.InvariantCulture, $"nats://127.0.0.1:{port}");
        string[] arguments = ["-a", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "-js", "-sd", _folder];
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        // "Server is ready".
        while (_process.StandardError.ReadLine() is { } line && !line.Contains("is ready", StringComparison.Ordinal)) continue;
        _ = _process.StandardError.ReadToEndAsync();
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

    private static LoopbackNats? Start()
    {
        string[] places = [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'), "/usr/sbin"];
        var program = places.Select(static p => Path.Combine(p, "nats-server")).FirstOrDefault(File.Exists);
        return program is null ? null : new LoopbackNats(program);
    }
}
