using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace IpcPs.Nats.Tests.Fixture;

/// <summary>A nats-server on loopback, with a free port and a folder of its own, which ends with the test.</summary>
public sealed class NatsServer : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly string _config;
    private Process? _process;

    private NatsServer(string config, int port)
    {
        _folder = Directory.CreateTempSubdirectory("ipcps-nats-").FullName;
        Port = port;
        _config = config.Replace("$FOLDER", _folder, StringComparison.Ordinal);
    }

    /// <summary>Its port.</summary>
    public int Port { get; private set; }

    /// <summary>Its process id.</summary>
    public int Id => _process!.Id;

    /// <summary>What it wrote to its log.</summary>
    public string Log => File.Exists(Path.Combine(_folder, "log")) ? File.ReadAllText(Path.Combine(_folder, "log")) : "";

    /// <summary>Starts a server.</summary>
    /// <param name="config">More lines of its configuration; <c>$FOLDER</c> is its folder.</param>
    /// <param name="jetStream">Whether it keeps messages.</param>
    /// <param name="port">Its port; 0 for a free one.</param>
    public static NatsServer Start(string config = "", bool jetStream = true, int port = 0)
    {
        var store = jetStream ? "\njetstream { store_dir: \"$FOLDER/store\" }" : "";
        var server = new NatsServer(config + store, port);
        try
        {
            server.Run();
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    /// <summary>A port that is free now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The address of a queue or topic of it.</summary>
    public IpcAddress Address(string name, string scheme = "nats") => IpcAddress.Parse($"{scheme}://127.0.0.1:{Port}/{name}");

    /// <summary>Ends it at once (KILL).</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>Starts it again, on the same port and with the same store.</summary>
    public void Run()
    {
        var path = Path.Combine(_folder, "conf");
        var ports = Directory.CreateDirectory(Path.Combine(_folder, "ports")).FullName;
        foreach (var old in Directory.GetFiles(ports)) File.Delete(old);
        File.WriteAllText(path, $"""
            listen: "127.0.0.1:{(Port == 0 ? "-1" : Port.ToString(CultureInfo.InvariantCulture))}"
            ports_file_dir: "{ports}"
            log_file: "{_folder}/log"
            {_config}
            """);
        var start = new ProcessStartInfo(Find()!, ["-c", path]) { RedirectStandardError = true, RedirectStandardOutput = true };
        _process = Process.Start(start)!;
        Wait.Until(() => _process.HasExited || Directory.GetFiles(ports).Length > 0, StartLimit, "nats-server to listen");
        if (_process.HasExited)
            throw new InvalidOperationException($"nats-server ended: {_process.StandardError.ReadToEnd()} {Log}");
        Wait.Until(() => TryReadPort(ports), StartLimit, "the port of nats-server");
    }

    public void Dispose()
    {
        if (_process is { HasExited: false }) Kill();
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private bool TryReadPort(string ports)
    {
        try
        {
            var text = File.ReadAllText(Directory.GetFiles(ports)[0]);
            var url = JsonDocument.Parse(text).RootElement.GetProperty("nats")[0].GetString()!;
            Port = new Uri(url.Replace("tls://", "nats://", StringComparison.Ordinal)).Port;
            return true;
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            // It is being written.
            return false;
        }
    }

    /// <summary>What is missing for these tests; null for nothing.</summary>
    internal static string? Missing { get; } = Find() is null ? "NATS-SERVER IS MISSING. Install it: apt-get install nats-server" : null;

    private static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin")
        .Select(static folder => Path.Combine(folder, "nats-server")).FirstOrDefault(File.Exists);
}

/// <summary>Waits for a condition, with a limit.</summary>
internal static class Wait
{
    public static void Until(Func<bool> condition, TimeSpan limit, string what)
    {
        var deadline = Deadline.After(limit);
        var poll = new PollWithBackoff();
        while (!condition())
        {
            if (deadline.HasPassed) throw new TimeoutException($"Waited {limit.TotalSeconds} s for {what}.");
            Waiter.PollAny([], new WaitOptions(poll.Next(deadline)));
        }
    }
}
