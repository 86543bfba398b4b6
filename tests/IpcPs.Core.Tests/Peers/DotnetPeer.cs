using System.Diagnostics;
using System.Globalization;
using IpcPs.Tests.Rings;

namespace IpcPs.Tests.Peers;

/// <summary>This assembly as a second process, in a role: the library on the other side, which can be killed.</summary>
internal static class DotnetPeer
{
    /// <summary>Starts a role.</summary>
    public static Process Start(string role, params string[] arguments) => Start(role, heapLimit: 0, arguments);

    /// <summary>Starts a role with a limit of its heap, in bytes.</summary>
    public static Process Start(string role, long heapLimit, params string[] arguments)
    {
        var assembly = typeof(DotnetPeer).Assembly.Location;
        var start = new ProcessStartInfo(
            "dotnet", ["exec", assembly, role, .. arguments])
        { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Many short lives: nothing that pays only in a long one.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_GCHeapCount"] = "1";
        if (heapLimit > 0) start.Environment["DOTNET_GCHeapHardLimit"] = heapLimit.ToString("x", CultureInfo.InvariantCulture);
        return Process.Start(start)!;
    }

    internal static int Play(string[] args)
    {
        switch (args)
        {
            case ["ring-crash", var side, .. var rest]:
                Rings.CrashPeer.Run(side, rest);
                return 0;
            case ["limited-memory", var group, .. var segments]:
                Proc.ControlGroup.Play(group, segments);
                return 0;
            case ["wait-until-exists", var address, .. var rest]:
                Files.InotifyTests.Wait(address, useDescriptors: rest.Length > 0);
                return 0;
            case ["little-memory", var address]:
                Sockets.LittleMemory.Serve(address);
                return 0;
            case ["inherited-descriptors", var numbers]:
                Processes.InheritedDescriptorTests.Play(numbers.Split(','));
                return 0;
            case ["no-descriptor-left"]:
                Queues.NoDescriptorLeft.Run();
                return 0;
            case ["describe-processes"]:
                Proc.ProcessScanTests.Play();
                return 0;
            case ["trace", var address]:
                Tracing.TraceTests.Play(address);
                return 0;
            default:
                Console.Error.WriteLine("This is the other process of a test, and is not started by hand.");
                return 2;
        }
    }
}
