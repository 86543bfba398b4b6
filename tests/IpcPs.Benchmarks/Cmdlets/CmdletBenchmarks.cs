using System.Globalization;
using IpcPs.Benchmarks.Framework;
using IpcPs.Benchmarks.Shells;

namespace IpcPs.Benchmarks.Cmdlets;

/// <summary><c>$array | Send-IpcMessage</c> into <c>Receive-IpcMessage -All | Out-Null</c> in another process, beside the same array into a
/// cmdlet that does nothing.</summary>
internal sealed class CmdletBenchmarks : IBenchmarkGroup
{
    public IEnumerable<Comparison> Comparisons
    {
        get
        {
            var count = Settings.Count(500_000);
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"@(foreach ($i in 1..{count}) {{ \"message number $i\" }})");
            var bags = Settings.Count(100_000);
            var objects = CmdletLoad.Objects(bags);
            foreach (var (load, goal) in new (CmdletLoad, double?)[]
            {
                (CmdletLoad.Pipe, 0.5), (CmdletLoad.Fifo, null), (CmdletLoad.Unix, 0.5), (CmdletLoad.Tcp, null), (CmdletLoad.Posix, 0.35),
                    (CmdletLoad.SysV, 0.35), (CmdletLoad.Ring, 0.6),
            })
            {
                yield return new($"cmdlets, strings, {load.Name}", "objects/s", goal, false,
                    new("Send, Receive in pwsh", () => load.Run(text, count)),
                    new("a cmdlet that does nothing", () => CmdletLoad.IntoNothing(text, count)));
            }
            foreach (var load in new[] { CmdletLoad.Pipe, CmdletLoad.Posix, CmdletLoad.Ring })
            {
                yield return new($"cmdlets, objects of three properties, {load.Name}", "objects/s", null, false,
                    new("Send, Receive in pwsh", () => load.Run(objects, bags)),
                    new("a cmdlet that does nothing", () => CmdletLoad.IntoNothing(objects, bags)));
            }
        }
    }
}
