using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace IpcPs.Module.Tests.Inventory;

/// <summary>A machine strewn with objects of every kind, in namespaces of its own: some held, some left by processes that were killed, some
/// another user's.</summary>
public sealed class StrewnMachineTests : IDisposable
{
    private const int Count = 12;
    private const int HeldKey = 0x1000;
    private const int OrphanKey = 0x2000;
    private const int ForeignKey = 0x3000;

    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-strewn-").FullName;

    private string Prelude => $$"""
        $folder = '{{_folder}}/ipcps'
        function strew([string[]] $arguments) {
            $start = [Diagnostics.ProcessStartInfo]::new('{{_folder}}/strew')
            if ($arguments[0] -eq 'foreign') { $start.FileName = 'setpriv'
                '--reuid=65534', '--regid=65534', '--clear-groups', '{{_folder}}/strew' | ForEach-Object { $start.ArgumentList.Add($_) } }
            $arguments | ForEach-Object { $start.ArgumentList.Add($_) }
            $start.RedirectStandardOutput = $true
            $process = [Diagnostics.Process]::Start($start)
            if ($process.StandardOutput.ReadLine() -ne 'ready') { throw "$arguments did not work" }
            $process
        }
        # Killed as by kill -9, and waited for.
        function kill9($process) { $process.Kill(); $process.WaitForExit() }
        function say($what, $objects) { foreach ($o in $objects) { "$what|$($o.Address)|$($o.Reason)|$($o.Holders.ProcessId -join ',')" } }
        New-IpcMutex first | Remove-IpcObject
        $tools = 'lsipc', 'ss', 'lsof' | Where-Object { Get-Command $_ -CommandType Application -ErrorAction Ignore }
        "tools $tools"
        """;

    public StrewnMachineTests()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0x1ED);
        using var gcc = Process.Start(
            new ProcessStartInfo("gcc", ["-o", $"{_folder}/strew", $"{Build.RepositoryRoot}tests/IpcPs.Module.Tests/Inventory/strew.c"]));
        gcc?.WaitForExit();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [NamespaceFact]
    public void What_is_listed_is_what_is_there_and_what_is_cleared_is_exactly_what_was_left()
    {
        var result = NamespaceFactAttribute.Run($$"""
            {{Prelude}}
            $held = strew held, {{HeldKey}}, {{Count}}, $folder
            $orphan = strew orphan, {{OrphanKey}}, {{Count}}, $folder
            $foreign = strew foreign, {{ForeignKey}}, {{Count}}, -
            $ring = New-IpcRing held-ring; $mutex = New-IpcMutex held-mutex
            $job = Start-IpcJob { New-IpcRing orphan-ring -Persist; New-IpcMutex orphan-mutex; Receive-IpcMessage $IpcParent }
            foreach ($name in 'ring:/orphan-ring', 'mutex:orphan-mutex') { Close-IpcObject (Open-IpcObject $name -Wait -Timeout 60) }
            Send-IpcSignal $job KILL -Timeout 60 | Out-Null
            kill9 $orphan; kill9 $foreign
            "held $($held.Id) $PID"

            $all = Get-IpcObject -Kind Mq, Shm, Sem, SysVMq, SysVShm, SysVSem, Ring, Mutex -WarningAction SilentlyContinue
            $all += Get-IpcObject *held*, *orphan* -Kind Fifo, Unix
            say all $all
            foreach ($line in ipcs -q) { "ipcs-q $line" }
            foreach ($line in ipcs -m) { "ipcs-m $line" }
            foreach ($line in ipcs -s) { "ipcs-s $line" }
            foreach ($kind in 'q', 'm', 's') { if ($tools -contains 'lsipc') {
                foreach ($key in lsipc "-$kind" --noheadings --raw --output KEY) { "lsipc $kind $key" } } }
            if ($tools -contains 'ss') { foreach ($line in ss -xaH) { "ss $line" } }
            if ($tools -contains 'lsof') { foreach ($line in lsof -w -p $held.Id -F n) { "lsof $line" } }
            say stale (Get-IpcObject -Stale)
            Clear-IpcObject -WhatIf
            "after-whatif $((Get-IpcObject -Stale).Count)"
            say cleared (Clear-IpcObject -Stale -PassThru -ErrorVariable errors 2>$null)
            foreach ($e in $errors) { "error $($e.FullyQualifiedErrorId) $($e.TargetObject)" }
            say left (Get-IpcObject -Stale)
            say forced (Clear-IpcObject -Force -PassThru)
            say finally (Get-IpcObject -Kind Mq, Shm, Sem, SysVMq, SysVShm, SysVSem, Ring, Mutex)
            say finally (Get-IpcObject *held*, *orphan* -Kind Fifo, Unix)
            kill9 $held
            """, _folder);
        Assert.True(result.ExitCode == 0 && result.Error.Length == 0, result.Output + result.Error);
        var holder = result.Lines.First(static l => l.StartsWith("held ", StringComparison.Ordinal)).Split(' ');

        string[] held = [.. Objects("held", HeldKey, withFiles: true), "ring:/held-ring", "mutex:held-mutex"];
        string[] orphans = [.. Objects("orphan", OrphanKey, withFiles: true), "ring:/orphan-ring", "mutex:orphan-mutex"];
        string[] foreign = [.. Objects("foreign", ForeignKey, withFiles: false)];
        Assert.True(held.Length + orphans.Length + foreign.Length > 200);
        Equal([.. held, .. orphans, .. foreign], Addresses(result, "all"));
        foreach (var kind in new[] { "q", "m", "s" })
            Assert.Equal(3 * Count, result.Lines.Count(l => l.StartsWith($"ipcs-{kind} 0x0000", StringComparison.Ordinal)));

        AgreesWithOtherTools(result, held);

        // All that was left, each with a reason. What is held names its holders, where the kernel knows them.
        Equal([.. orphans, .. foreign], Addresses(result, "stale"));
        Assert.DoesNotContain(
            Said(result, "stale"), static f => f[2].Length == 0 || f[2].StartsWith("not proven", StringComparison.Ordinal));
        Assert.All(
            Said(result, "all")
            .Where(f => held.Contains(f[1]) && !f[1].StartsWith("sysvmq", StringComparison.Ordinal)
            && !f[1].StartsWith("sysvsem", StringComparison.Ordinal)),
            f => Assert.Contains(
            f[1].Contains("held-ring", StringComparison.Ordinal) || f[1].StartsWith("mutex", StringComparison.Ordinal) ? holder[2]
            : holder[1], f[3].Split(',')));

        // -WhatIf does nothing; without anybody to ask, another user's objects stay, and each is named; with -Force they go.
        Assert.Equal(orphans.Length + foreign.Length, result.Lines.Count(static l => l.StartsWith("What if: ", StringComparison.Ordinal)));
        Assert.Contains($"after-whatif {orphans.Length + foreign.Length}", result.Lines);
        Equal(orphans, Addresses(result, "cleared"));
        Equal(foreign, result.Lines.Where(static l => l.StartsWith("error IpcAccessDenied,", StringComparison.Ordinal))
            .Select(static l => l.Split(' ')[2]));
        Equal(foreign, Addresses(result, "left"));
        Equal(foreign, Addresses(result, "forced"));
        Equal(held, Addresses(result, "finally"));
    }

    [NamespaceFact]
    public void What_can_t_be_seen_is_said_once_and_is_never_stale_for_that()
    {
        // Without these root can't look into another user's process, without CAP_SYS_ADMIN it has no mqueue file system of its own.
        var result = NamespaceFactAttribute.Run($$"""
            {{Prelude}}
            $foreign = strew foreign, {{ForeignKey}}, 1, -
            Close-IpcObject (New-IpcSharedMemory mine -Size 4096)
            $queue = New-IpcQueue open
            say all (Get-IpcObject -Kind Shm, Mq -WarningVariable first 3>$null)
            foreach ($w in $first) { "first $w" }
            $null = Get-IpcObject -Kind Shm, Mq -WarningVariable second 3>$null
            "second $($second.Count)"
            $null = Get-IpcObject -Id $foreign.Id -WarningVariable byId 3>$null
            foreach ($w in $byId) { "byId $w" }
            say stale (Get-IpcObject -Stale)
            kill9 $foreign
            """, _folder, "setpriv", "--inh-caps=-all", "--bounding-set=-sys_ptrace,-sys_admin,-dac_read_search,-dac_override");
        Assert.True(result.ExitCode == 0 && result.Error.Length == 0, result.Output + result.Error);
        // Its holder can't be seen, and of another user's file the kernel says nothing.
        Assert.Contains(
            Said(result, "all"), static f =>
            f[1] == "shm:/foreign-0" && f[2].StartsWith("not proven: ", StringComparison.Ordinal) && f[3].Length == 0);
        Assert.Contains(Said(result, "all"), static f => f[1] == "mq:/open");
        Assert.Contains(
            result.Lines, static l =>
            l.StartsWith("first ", StringComparison.Ordinal) && l.Contains("may not inspect", StringComparison.Ordinal));
        if (!File.ReadAllText("/proc/self/mountinfo").Contains(" - mqueue ", StringComparison.Ordinal))
            Assert.Contains(
                result.Lines, static l =>
                l.StartsWith("first ", StringComparison.Ordinal) && l.Contains("mount -t mqueue", StringComparison.Ordinal));
        Assert.Contains("second 0", result.Lines);
        // Nothing is found of it, and that is not because it holds nothing.
        Assert.Contains(result.Lines, static l => l.StartsWith("byId ", StringComparison.Ordinal)
            && l.Contains("What such a process holds is not listed.", StringComparison.Ordinal));
        Equal(["shm:/mine"], Addresses(result, "stale"));
    }

    /// <summary>lsipc(1), ss(8), lsof(8), those that the machine has: what they list is what we do, to the last one.</summary>
    private void AgreesWithOtherTools(ShellResult result, string[] held)
    {
        var tools = result.Lines.First(static l => l.StartsWith("tools", StringComparison.Ordinal)).Split(' ');
        var all = Addresses(result, "all").ToList();
        if (tools.Contains("lsipc"))
        {
            foreach (var (option, scheme) in new[] { ("q", "sysvmq:"), ("m", "sysvshm:"), ("s", "sysvsem:") })
            {
                // lsipc writes the key with all its digits.
                Equal(all.Where(a => a.StartsWith(scheme, StringComparison.Ordinal)), Listed(result, $"lsipc {option} ")
                    .Select(k => string.Create(CultureInfo.InvariantCulture, $"{scheme}0x{Convert.ToUInt32(k, 16):x}")));
            }
        }
        if (tools.Contains("ss"))
        {
            // What is left of a socket without a holder is a file, which ss does not know.
            var bound = held.Where(static a => a.StartsWith("unix:", StringComparison.Ordinal))
                .Select(a => $"{_folder}/ipcps/{a["unix:".Length..].Split('?')[0]}");
            Equal(bound, Listed(result, "ss ").SelectMany(static l => l.Split(' '))
                .Where(w => w.StartsWith(_folder, StringComparison.Ordinal)));
        }
        if (tools.Contains("lsof"))
        {
            var names = Listed(result, "lsof n").ToHashSet(StringComparer.Ordinal);
            Assert.All(
                held, a => Assert.True(
                NameForLsof(a) is not { } name || names.Contains(name), $"lsof does not show {a}:\n{string.Join('\n', names)}"));
        }
    }

    // Mutexes and rings are this session's, not the program's; of System V lsof shows segments; semaphores it shows by a name that glibc
    // gave them before their own.
    private string? NameForLsof(string address) => address.Split([':'], 2) switch
    {
        ["shm", var name] => "/dev/shm" + name,
        ["mq", var name] => name,
        ["fifo", var name] => $"{_folder}/ipcps/{name}",
        ["unix", var name] =>
        $"{_folder}/ipcps/{name.Split('?')[0]} type={(name.EndsWith("datagram", StringComparison.Ordinal) ? "DGRAM" : "STREAM")}",
        ["sysvshm", var key] => string.Create(CultureInfo.InvariantCulture, $"/SYSV{Convert.ToUInt32(key, 16):x8}"),
        _ => null,
    };

    private static IEnumerable<string> Listed(ShellResult result, string prefix) =>
        result.Lines.Where(l => l.StartsWith(prefix, StringComparison.Ordinal)).Select(l => l[prefix.Length..].Trim());

    private static IEnumerable<string> Objects(string prefix, int key, bool withFiles)
    {
        for (var i = 0; i < Count; i++)
        {
            foreach (var scheme in new[] { "shm:/", "sem:/", "mq:/" }) yield return $"{scheme}{prefix}-{i}";
            foreach (var scheme in new[] { "sysvmq", "sysvshm", "sysvsem" })
                yield return string.Create(CultureInfo.InvariantCulture, $"{scheme}:0x{key + i:x}");
            if (!withFiles) continue;
            yield return $"fifo:{prefix}-{i}";
            // What is left of a datagram socket is a file that doesn't tell of which type it was.
            yield return $"unix:{prefix}-{i}.s" + (i % 2 == 0 && prefix == "held" ? "?type=datagram" : "");
        }
    }

    private static List<string[]> Said(ShellResult result, string what) =>
        [.. result.Lines.Where(l => l.StartsWith(what + "|", StringComparison.Ordinal)).Select(static l => l.Split('|'))];

    private static IEnumerable<string> Addresses(ShellResult result, string what) => Said(result, what).Select(static f => f[1]);

    private static void Equal(IEnumerable<string> expected, IEnumerable<string> actual) =>
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
}
