using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Jobs;

/// <summary>Jobs over ssh beside PowerShell's own remoting over ssh, with the same sshd on loopback.</summary>
internal sealed class RemoteBenchmarks : IBenchmarkGroup
{
    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var count = Settings.Count(20_000);
            yield return new($"ssh, {count} objects of three properties from a host, start-up excluded", "objects/s", 5, false,
                new("Start-IpcJob -HostName", () => Objects(count, Job)), new("Invoke-Command -HostName", () => Objects(count, Command)));
            yield return new("ssh, from Start to the end of a job that gives a number", "ms", null, true,
                new("Start-IpcJob -HostName", () => StartUp(Job)), new("Invoke-Command -HostName", () => StartUp(Command)));
        }
    }

    private static string Job(string parameters, string script) =>
        $"$job = Start-IpcJob {parameters} {script}; Receive-Job $job -Wait -AutoRemoveJob";

    private static string Command(string parameters, string script) => $"Invoke-Command {parameters} {script}";

    // The clock is the machine's, the same in both processes.
    private static double? Objects(int count, Func<string, string, string> run) => LoopbackSshd.Instance is not { } host ? null
        : SharedShells.Sender.Measure($"& {{ {run(host.Parameters, string.Create(CultureInfo.InvariantCulture, $$"""
            {
                $objects = foreach ($i in 1..{{count}}) {
                    [pscustomobject]@{ Id = $i; Name = "item $i"; Time = [datetime]::UnixEpoch.AddSeconds($i) }
                }
                [Diagnostics.Stopwatch]::GetTimestamp()
                $objects
            }
            """))} }} | Measure-BenchmarkArrival");

    private static double? StartUp(Func<string, string, string> run) => LoopbackSshd.Instance is not { } host ? null
        : SharedShells.Sender.Measure($$"""
            $clock = [Diagnostics.Stopwatch]::GetTimestamp()
            $null = & { {{run(host.Parameters, "{ 1 }")}} }
            [Diagnostics.Stopwatch]::GetElapsedTime($clock).TotalMilliseconds.ToString([cultureinfo]::InvariantCulture)
            """);
}
