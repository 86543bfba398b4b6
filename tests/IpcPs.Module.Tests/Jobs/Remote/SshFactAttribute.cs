using System.Runtime.InteropServices;
using Xunit;

namespace IpcPs.Module.Tests.Jobs.Remote;

/// <summary>A test that needs other hosts: network namespaces with an sshd in each. It is skipped, and says why, where there can be
/// none. <c>.ci/run</c> fails there.</summary>
public sealed class SshFactAttribute : FactAttribute
{
    /// <summary>Skips the test where there can be no such hosts.</summary>
    public SshFactAttribute() => Skip = Missing;

    /// <summary>What is missing; null for nothing.</summary>
    internal static string? Missing { get; } = Find();

    private static string? Find()
    {
        if (geteuid() != 0) return "Only root can make network namespaces and start an sshd in them.";
        if (!HasPrograms()) return $"These programs are needed: {SshHosts.Sshd}, ssh, ssh-keygen, ip (Debian: openssh-server, iproute2).";
        var name = $"ipcps-probe-{Environment.ProcessId}";
        var ip = Shell.Find("ip")!;
        var probe = ip.RunArguments(["netns", "add", name]);
        ip.RunArguments(["netns", "delete", name]);
        return probe.ExitCode == 0 ? null : $"No network namespace can be made here: {probe.Error}";
    }

    private static bool HasPrograms() =>
        File.Exists(SshHosts.Sshd) && new[] { "ssh", "ssh-keygen", "ip" }.All(static p => Shell.Find(p) is not null);

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint geteuid();
}
