using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Starts a server of this process on loopback.</summary>
internal static class LoopbackServer
{
    /// <summary>A port that is free now.</summary>
    public static int FreePort()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        return ((IPEndPoint)free.LocalEndpoint).Port;
    }

    /// <summary>Starts it, and waits until it says on its standard error that it is ready.</summary>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="ready">What it says.</param>
    /// <exception cref="InvalidOperationException">It ended before.</exception>
    public static Process Start(string program, IEnumerable<string> arguments, string ready)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        while (process.StandardError.ReadLine() is { } line)
        {
            if (!line.Contains(ready, StringComparison.Ordinal)) continue;
            // A full pipe would stop it.
            _ = process.StandardError.ReadToEndAsync();
            return process;
        }
        throw new InvalidOperationException($"{program} ended before it was ready.");
    }
}
