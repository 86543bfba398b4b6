using System.Text.RegularExpressions;
using IpcPs.Linux;
using IpcPs.Proc;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Proc;

public sealed class AvailableMemoryTests : IDisposable
{
    private const long Unlimited = 9223372036854771712;

    private readonly string _root = Directory.CreateTempSubdirectory("ipcps-test-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [ControlGroupFact]
    public void A_segment_that_the_control_group_has_no_memory_for_is_refused()
    {
        using var group = ControlGroup.TryCreate(160 << 20)!;
        var unique = Guid.NewGuid().ToString("N");
        string[] names = [$"ipcps-test-{unique}-1", $"ipcps-test-{unique}-2", $"ipcps-test-{unique}-3"];
        try
        {
            // More than the limit; less; and less than the limit, but more than the second segment left of it.
            using var peer = DotnetPeer.Start("limited-memory", group.Processes,
                "shm:/" + names[0], $"{400 << 20}", "shm:/" + names[1], $"{80 << 20}", "shm:/" + names[2], $"{100 << 20}");
            var lines = peer.StandardOutput.ReadToEnd().Split('\n');
            peer.WaitForExit();
            Assert.Equal("created", lines[1]);
            foreach (var (line, size, name) in new[] { (lines[0], 400 << 20, names[0]), (lines[2], 100 << 20, names[2]) })
            {
                Assert.Matches($"^IpcLimitReached LimitsExceeded There is no memory for the {size} bytes of 'shm:/{Regex.Escape(name)}': "
                    + @"this machine, or this process's control group, has \d+ bytes available\.$", line);
            }
        }
        finally
        {
            foreach (var name in names) _ = Libc.unlink("/dev/shm/" + name);
        }
    }

    [Fact]
    public void A_limit_of_version_1_leaves_what_the_group_does_not_use()
    {
        Group("top", ("memory.limit_in_bytes", Unlimited), ("memory.usage_in_bytes", 5000));
        Group("top/own", ("memory.limit_in_bytes", 1000), ("memory.usage_in_bytes", 700));
        // The cache of files is used memory that the kernel gives up.
        File.WriteAllText(Path.Combine(_root, "top/own/memory.stat"), "cache 150\ntotal_inactive_file 90\ntotal_active_file 10\n");
        Assert.Equal(400, Left("cgroup rw,memory", "4:memory:/top/own", freeSwap: 0));
        Assert.Equal(450, Left("cgroup rw,memory", "4:cpu,memory:/top/own", freeSwap: 50));
        // The limit of memory and swap space together.
        Group("top/own", ("memory.memsw.limit_in_bytes", 1020), ("memory.memsw.usage_in_bytes", 710));
        Assert.Equal(410, Left("cgroup rw,memory", "4:memory:/top/own", freeSwap: 50));
        // A limit of a group above, and a mount that shows this group only.
        Group("top", ("memory.limit_in_bytes", 5100));
        Assert.Equal(100, Left("cgroup rw,memory", "4:memory:/top/own", freeSwap: 0));
        Assert.Equal(100, Left("cgroup rw,memory", "4:memory:/outer/top", freeSwap: 0, root: "/outer"));
        Assert.Equal(long.MaxValue, Left("cgroup rw,cpu", "4:memory:/top/own", freeSwap: 0));
    }

    [Fact]
    public void A_limit_of_version_2_leaves_what_the_group_does_not_use()
    {
        Group("own", ("memory.max", 1000), ("memory.current", 700), ("memory.swap.max", 30), ("memory.swap.current", 10));
        File.WriteAllText(Path.Combine(_root, "own/memory.stat"), "anon 500\ninactive_file 90\nactive_file 10\n");
        Assert.Equal(400, Left("cgroup2 rw", "0::/own", freeSwap: 0));
        Assert.Equal(420, Left("cgroup2 rw", "0::/own", freeSwap: 50));
        File.WriteAllText(Path.Combine(_root, "own/memory.max"), "max\n");
        Assert.Equal(long.MaxValue, Left("cgroup2 rw", "0::/own", freeSwap: 0));
        Assert.Equal(long.MaxValue, Left("cgroup2 rw", "0::/../../elsewhere", freeSwap: 0));
        // More is used than a limit that was set afterwards allows.
        Group("own", ("memory.max", 10));
        Assert.Equal(0, Left("cgroup2 rw", "0::/own", freeSwap: 0));
    }

    private long Left(string system, string group, long freeSwap, string root = "/")
    {
        var source = system.Replace(" ", " none ", StringComparison.Ordinal);
        var mount = MountTable.Parse($"34 30 0:31 {root} {_root} rw,relatime shared:1 - {source}")!;
        return AvailableMemory.LeftByGroups(["9:name=systemd:/", group], [mount], freeSwap);
    }

    private void Group(string name, params (string File, long Value)[] files)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        foreach (var (file, value) in files) File.WriteAllText(Path.Combine(folder, file), $"{value}\n");
    }
}
