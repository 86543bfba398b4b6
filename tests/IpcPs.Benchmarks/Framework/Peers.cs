using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Benchmarks.Framework;

/// <summary>Starts this executable as the other process of a measurement.</summary>
internal static class Peers
{
    public static int Run(string name, string[] args)
    {
        var peer = Discovery.All<IPeer>().Single(p => p.Name == name);
        peer.Run(args);
        return 0;
    }

    /// <summary>Starts a peer, on one core where <paramref name="core"/> is given, and waits until it is ready.</summary>
    public static PeerProcess Start(string name, int? core, params string[] args)
    {
        var own = new List<string> { Environment.ProcessPath!, "peer", name };
        own.AddRange(args);
        if (core is { } number) own.InsertRange(0, ["taskset", "-c", number.ToString(CultureInfo.InvariantCulture)]);
        var start = new ProcessStartInfo(own[0], own.Skip(1)) { RedirectStandardOutput = true };
        var process = new PeerProcess(Process.Start(start)!);
        process.Expect("ready");
        return process;
    }
}
