using IpcPs.Inventory;
using IpcPs.Tests.Peers;
using IpcPs.Tests.Sockets;
using Xunit;

namespace IpcPs.Tests.Proc;

public sealed class ProcessScanTests
{
    [RootTheory]
    [InlineData("")]
    [InlineData("mount -t proc -o hidepid=1 proc /proc && ")]
    [InlineData("mount -t proc -o hidepid=2 proc /proc && ")]
    public void A_process_that_is_hidden_is_never_taken_for_one_that_was_seen(string mount)
    {
        // Without the capability, root may not look into processes that have more capabilities. hidepid excepts the group root.
        var said = Peer.Run("unshare", "-m", "sh", "-c", mount + "exec \"$@\"", "sh", "setpriv", "--regid", "65534", "--clear-groups",
            "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "dotnet", "exec", typeof(DotnetPeer).Assembly.Location,
            "describe-processes");
        Assert.StartsWith("False ", said, StringComparison.Ordinal);
        Assert.Contains(mount.Length == 0 ? "may not inspect" : "hidepid", said, StringComparison.Ordinal);
    }

    /// <summary>Writes whether every process was inspected, and what was not.</summary>
    internal static void Play()
    {
        var scan = new ProcessScan();
        scan.LookAtAll();
        Console.WriteLine($"{scan.SawAll} {scan.Describe()}");
    }
}
