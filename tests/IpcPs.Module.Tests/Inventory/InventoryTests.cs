using System.Management.Automation;
using IpcPs.Inventory;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Inventory;

public sealed class InventoryTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"inv-{Guid.NewGuid():N}";

    public void Dispose()
    {
        _session.Run("Remove-IpcObject \"mq:/$($args[0])\", \"fifo:$($args[0])\", \"shm:/$($args[0])\" -Force", _name);
        _session.Dispose();
    }

    [Fact]
    public void The_runtime_s_own_sockets_are_listed_on_demand()
    {
        var own = $"unix:/tmp/dotnet-diagnostic-{Environment.ProcessId}-";
        var usual = _session.Run("Get-IpcObject -Kind Unix, Fifo -WarningAction Ignore | ForEach-Object AddressText").NoErrors();
        Assert.DoesNotContain(usual.Values.Cast<string>(), a => a.StartsWith(own, StringComparison.Ordinal));
        var all = _session.Run("(Get-IpcObject -All -Kind Unix -WarningAction Ignore).AddressText").NoErrors().Values.Cast<string>();
        var address = Assert.Single(all, a => a.StartsWith(own, StringComparison.Ordinal));
        Assert.Equal(address, _session.Run("(Get-IpcObject $args[0] -WarningAction Ignore).AddressText", address).Single());
    }

    [Fact]
    public void Nothing_asked_for_is_not_everything_and_nothing_found_is_said()
    {
        foreach (var command in new[] { "Get-IpcObject -Name @()", "Clear-IpcObject -Name $null", "Get-IpcObject -Id @()",
            "Get-IpcObject -Kind @()", "Get-IpcObject -User @()", "Get-IpcLimit @()" })
            Assert.IsAssignableFrom<ParameterBindingException>(_session.Run(command).Error().Exception);
        Assert.Empty(_session.Run("@() | Get-IpcObject").NoErrors().Values);
        Assert.Contains("No object was found.", _session.Run("Get-IpcObject \"$($args[0])*\" -Verbose", _name).NoErrors().Verbose);
        Assert.Contains($"No object matches 'mq:/{_name}*'.",
            _session.Run("Remove-IpcObject \"mq:/$($args[0])*\" -Verbose", _name).NoErrors().Verbose);
        var error = _session.Run("Get-IpcLimit kernel.msgmni, no.such").Error();
        Assert.StartsWith("IpcNotFound,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ObjectNotFound, error.CategoryInfo.Category);
        Assert.Equal("This machine has no limit named 'no.such'.", error.Exception.Message);
    }

    [Fact]
    public void Tables_of_80_columns_lose_nothing()
    {
        var table = (string)_session.Run("""
            $queue = New-IpcQueue $args[0]
            Get-IpcObject "mq:/$($args[0])" -WarningAction Ignore | Out-String -Width 80
            """, _name).Single()!;
        // Wrapped columns stand one below the other: the last one is what fell off.
        var holders = string.Concat(table.Split('\n').Skip(3).Select(static l => l.Length > 61 ? l[61..].Trim() : ""));
        Assert.Contains($"({Environment.ProcessId})", holders, StringComparison.Ordinal);
        Assert.DoesNotContain("\u2026", table, StringComparison.Ordinal);
        var limits = (string)_session.Run("Get-IpcLimit | Out-String -Width 80").Single()!;
        Assert.DoesNotContain("\u2026", limits, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mode_prints_as_digits_everywhere()
    {
        var name = _name[..12];
        var text = (string)_session.Run("""
            $name = $args[0]
            $made = @(New-IpcQueue $name; New-IpcQueue -Kind SysV; New-IpcPipe $name; New-IpcRing $name; New-IpcMutex $name
                New-IpcSharedMemory $name -Size 8; New-IpcSharedMemory -Kind SysV -Size 8; New-IpcSharedMemory -Size 8
                New-IpcSemaphore $name; New-IpcSemaphore -Kind SysV)
            try {
                $made | Format-List * | Out-String
                $made | Select-Object Mode | Out-String
                Get-IpcObject $name -WarningAction Ignore | Format-List * | Out-String
                $script:table = $made | Out-String -Width 80
                $script:table
                $mode = $made[0].Mode
                $made[0].Mode = 640
                $script:both = ($mode -band [IO.UnixFileMode]::UserRead), [IO.UnixFileMode]$made[0].Mode
                $script:same = ($mode -eq '0600'), ($mode -eq 600), ($mode -eq [IO.UnixFileMode]'UserRead, UserWrite'), ('0600' -eq $mode),
                    ([IO.UnixFileMode]'UserRead, UserWrite' -eq $mode), $mode.HasFlag([IO.UnixFileMode]::UserWrite),
                    ([int]$mode -eq 0x180), ($mode -ne '0640')
                $script:texts = "$mode", "$($made[0].Mode)", ('' + $mode), ('{0}' -f $mode), [string]$mode, ($mode -join ''),
                    $mode.ToString()
            }
            finally { $made[0..6] + $made[8, 9] | Remove-IpcObject -Confirm:$false; $made | Close-IpcObject }
            """, name).NoErrors().Values.Aggregate(static (a, b) => $"{a}{b}")!;
        Assert.DoesNotContain("UserRead", text, StringComparison.Ordinal);
        // Ten objects, and the six with the name once more.
        Assert.Equal(16, System.Text.RegularExpressions.Regex.Count(text, @"Mode +: 0600"));
        Assert.Equal(10, System.Text.RegularExpressions.Regex.Count(text, @"(?m)^0600\s*$"));
        // They share one table.
        var table = (string)_session.Run("$table").Single()!;
        Assert.Equal(1, System.Text.RegularExpressions.Regex.Count(table, "Address +Kind +Mode +Depth +State"));
        foreach (var row in new[] { "mq:/NAME +POSIX message queue +0600 +0/10", "fifo:NAME +named pipe +0600 +0B/64KB",
            "ring:/NAME +message ring +0600 +0B/1MB", "mutex:NAME +mutex +0600 +maybe free", "shm:/NAME +POSIX shared memory +0600 +8B",
            "sem:/NAME +POSIX semaphore +0600 +1" })
            Assert.Matches(row.Replace("NAME", name, StringComparison.Ordinal), table);
        Assert.Equal(["0600", "0640", "0600", "0600", "0600", "0600", "0600"], _session.Run("$texts").Values);
        // It compares as -Mode reads a value, and can be set as -Mode is.
        Assert.All(_session.Run("$same").Values, static same => Assert.Equal(true, same));
        var both = _session.Run("$both").Values;
        UnixFileMode set = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        Assert.Equal([UnixFileMode.UserRead, set], both);
    }

    [Fact]
    public void What_a_session_has_open_is_listed_with_the_session_as_its_holder()
    {
        var result = _session.Run("""
            $queue = New-IpcQueue $args[0]; $fifo = New-IpcPipe $args[0]
            'x' | Send-IpcMessage $queue
            Get-IpcObject $args[0] | ForEach-Object { "$($_.Address) $($_.Depth) $($_.IsStale) $($_.Holders.ProcessId -contains $PID)" }
            """, _name);
        Assert.Equal(
            [$"fifo:{_name}  False True", $"mq:/{_name} 1 False True"], result.Values.Select(static v => v!.ToString()!)
            .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_listing_of_a_part_says_what_a_listing_of_everything_says()
    {
        var result = _session.Run("""
            $name = $args[0]
            $made = @(New-IpcQueue $name; New-IpcQueue -Kind SysV; New-IpcPipe $name; New-IpcRing $name; New-IpcMutex $name
                New-IpcSharedMemory $name -Size 8; New-IpcSharedMemory -Kind SysV -Size 8; New-IpcSharedMemory -Size 8
                New-IpcSemaphore $name; New-IpcSemaphore -Kind SysV; New-IpcSocket "unix:$name.s"; New-IpcSocket tcp:127.0.0.1:0)
            $addresses = $made | ForEach-Object { "$($_.Address)" }
            'x' | Send-IpcMessage $made[0]
            # Another process that holds some of them.
            $hold = {
                $open = $args[0] | ForEach-Object { Open-IpcObject $_ -Access Read }
                $open.Count | Send-IpcMessage $IpcParent
                Receive-IpcMessage $IpcParent
            }
            $job = Start-IpcJob $hold -ArgumentList (, $addresses[0, 3, 5, 6])
            try {
                if ((Receive-IpcMessage $job -Timeout 60) -ne 4) { throw 'The job did not start.' }
                $describe = { "$($_.AddressText) $($_.Kind) $($_.Depth) $($_.Size) $($_.IsStale) $($_.Reason) $($_.Holders)" }
                $all = Get-IpcObject -All -WarningAction Ignore
                foreach ($address in $addresses) {
                    $whole = $all | Where-Object AddressText -EQ $address | ForEach-Object $describe
                    if (!$whole) { "$address is missing"; continue }
                    $scheme = ($address -split ':')[0]
                    $parts = [ordered]@{
                        Kind = Get-IpcObject -Kind $scheme -All -WarningAction Ignore | Where-Object AddressText -EQ $address
                        Name = Get-IpcObject $address -WarningAction Ignore
                        Wildcard = Get-IpcObject "*$($address.Substring(1))" -All -WarningAction Ignore
                    }
                    if ($scheme -notin 'sysvmq', 'sysvsem') {
                        $parts.Id = Get-IpcObject -Id $PID -WarningAction Ignore | Where-Object AddressText -EQ $address
                    }
                    foreach ($part in $parts.Keys) {
                        $found = $parts[$part] | ForEach-Object $describe
                        if ("$found" -ne "$whole") { "$part : $found, and not $whole" }
                    }
                }
                ($all | Where-Object AddressText -EQ $addresses[0]).Holders.ProcessId -contains $job.ProcessId
                @(Get-IpcObject -Id $job.ProcessId -WarningAction Ignore | Where-Object AddressText -EQ $addresses[3]).Count
                @(Get-IpcObject -Id $PID -Kind SysVMq, SysVSem).Count
            }
            finally {
                1 | Send-IpcMessage $job; $job | Wait-Job | Remove-Job
                $made[0..6] + $made[8, 9] | Remove-IpcObject -Confirm:$false; $made | Close-IpcObject
            }
            """, _name[..12]).NoErrors();
        Assert.Equal([true, 1, 0], result.Values);
    }

    [Fact]
    public void What_no_process_holds_is_stale_and_cleared_and_what_one_holds_is_neither()
    {
        var result = _session.Run("""
            Close-IpcObject (New-IpcQueue $args[0])
            $held = New-IpcQueue "$($args[0])-held"
            try {
                (Get-IpcObject "$($args[0])*" -Stale).Address.Text
                Clear-IpcObject "$($args[0])*" -WhatIf
                (Clear-IpcObject "$($args[0])*" -PassThru).Address.Text
                (Get-IpcObject "$($args[0])*").Address.Text
            }
            finally { Remove-IpcObject $held }
            """, _name);
        Assert.Equal([$"mq:/{_name}", $"mq:/{_name}", $"mq:/{_name}-held"], result.Values.Select(static v => v?.ToString()));
    }

    [Fact]
    public void A_process_s_anonymous_pipes_are_found_by_its_id()
    {
        var result = _session.Run("$pipe = New-IpcPipe; (Get-IpcObject -Id $PID -Kind Pipe).Holders.ProcessId -contains $PID");
        Assert.Equal(true, result.Single());
    }

    [Fact]
    public void A_name_that_nothing_has_is_an_error_a_pattern_is_not()
    {
        Assert.StartsWith(
            "IpcNotFound", _session.Run("Get-IpcObject $args[0]", _name).Error().FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Empty(_session.Run("Get-IpcObject \"$($args[0])*\"", _name).Values);
    }

    [Fact]
    public void An_object_of_every_kind_is_listed_opened_and_removed_by_its_address()
    {
        var result = _session.Run("""
            $name = $args[0]
            $made = @(
                New-IpcPipe $name; New-IpcQueue $name; New-IpcQueue -Kind SysV; New-IpcSharedMemory $name -Size 4096
                    New-IpcSharedMemory -Size 4096 -Kind SysV
                New-IpcSemaphore $name; New-IpcSemaphore -Kind SysV; New-IpcMutex $name; New-IpcRing $name; New-IpcSocket "unix:$name.s")
            $addresses = $made | ForEach-Object { "$($_.Address)" }
            $found = Get-IpcObject $addresses
            "$($found.Count) of $($made.Count)"
            ($found | Where-Object { -not $_.Kind -or -not $_.Reason -or $_.Owner -ne (Get-IpcObject -Id $PID -Kind Fifo)[0].Owner }).Count
            foreach ($o in $found | Open-IpcObject -Timeout 60) { Close-IpcObject $o }
            $found | Remove-IpcObject -WhatIf
            (Get-IpcObject $addresses).Count
            $found | Remove-IpcObject
            # An attached segment and a listening socket are there until they are closed, without their names.
            $made | Close-IpcObject
            @(Get-IpcObject | Where-Object { $_.Address.Text -in $addresses }).Count
            $found | Remove-IpcObject -Force
            """, _name);
        result.NoErrors();
        Assert.Equal(["10 of 10", "0", "10", "0"], result.Values.Select(static v => v!.ToString()));
    }

    [Theory]
    [InlineData("Remove-IpcObject tcp:127.0.0.1:1", "IpcNotSupported")]
    [InlineData("Remove-IpcObject pipe:1/1", "IpcNotSupported")]
    [InlineData("Remove-IpcObject memfd:1/1", "IpcNotSupported")]
    [InlineData("Remove-IpcObject fifo:/etc/passwd", "IpcWrongKind")]
    [InlineData("Remove-IpcObject unix:/etc/passwd", "IpcWrongKind")]
    [InlineData("Remove-IpcObject file:/etc", "IpcWrongKind")]
    [InlineData("Remove-IpcObject ring:/no-such-ring", "IpcNotFound")]
    [InlineData("Remove-IpcObject sysvsem:0x7ffffff1", "IpcNotFound")]
    [InlineData("Remove-IpcObject nonsense", "IpcInvalidAddress")]
    [InlineData("Clear-IpcObject -Stale:$false", "IpcInvalidArgument")]
    [InlineData("Get-IpcObject no-such-object", "IpcNotFound")]
    [InlineData("Test-IpcFeature Telepathy", "IpcInvalidArgument")]
    public void What_is_wrong_is_said(string script, string id) =>
        Assert.StartsWith(id + ",", _session.Run(script).Error().FullyQualifiedErrorId, StringComparison.Ordinal);

    [Fact]
    public void Filters_narrow_the_list()
    {
        var result = _session.Run("""
            $queue = New-IpcQueue $args[0]; $memory = New-IpcSharedMemory $args[0] -Size 8192
            $owner = (Get-IpcObject "mq:/$($args[0])").OwnerId
            (Get-IpcObject $args[0] -Kind Shm).Address.Text
            (Get-IpcObject $args[0] -Kind Shm).Size
            (Get-IpcObject "shm:*$($args[0])").Address.Text
            @(Get-IpcObject $args[0] -User $owner).Count
            @(Get-IpcObject "$($args[0])*" -User no-such-user).Count
            @(Get-IpcObject "$($args[0])*" -Id $PID).Count
            @(Get-IpcObject "$($args[0])*" -Id 1).Count
            @([pscustomobject]@{ Id = $PID } | Get-IpcObject -Name "$($args[0])*").Count
            @(Get-IpcObject "$($args[0])*" -Stale).Count
            Remove-IpcObject $queue; Remove-IpcObject $memory
            """, _name);
        result.NoErrors();
        Assert.Equal(
            [$"shm:/{_name}", "8192", $"shm:/{_name}", "2", "0", "2", "0", "2", "0"], result.Values.Select(static v => v!.ToString()));
    }

    [Fact]
    public void A_key_is_found_in_decimal_too()
    {
        var result = _session.Run("""
            $queue = New-IpcQueue -Key (0x49000000 + $PID)
            try { (Get-IpcObject "sysvmq:$(0x49000000 + $PID)").Address -eq $queue.Address } finally { Remove-IpcObject $queue }
            """);
        Assert.Equal(true, result.Single());
    }

    [Fact]
    public void Limits_say_what_is_in_use_and_what_raises_them()
    {
        string[] expected =
        [
            "kernel.msgmni", "kernel.msgmax", "kernel.msgmnb", "kernel.shmmni", "kernel.shmmax", "kernel.shmall", "kernel.sem SEMMSL",
            "kernel.sem SEMMNS", "kernel.sem SEMOPM", "kernel.sem SEMMNI",
            "fs.mqueue.queues_max", "fs.mqueue.msg_max", "fs.mqueue.msgsize_max", "fs.pipe-max-size", "fs.pipe-user-pages-soft",
            "fs.pipe-user-pages-hard", "net.unix.max_dgram_qlen",
            "RLIMIT_MSGQUEUE", "RLIMIT_SIGPENDING", "RLIMIT_NOFILE", "/dev/shm",
        ];
        var limits = IpcLimits.List();
        Assert.Empty(expected.Except(limits.Select(static l => l.Name)));
        Assert.DoesNotContain(limits, static l => l.Raise.Length == 0 || l.Meaning.Length == 0 || l.Unit.Length == 0);
        string[] counted = ["kernel.msgmni", "kernel.shmmni", "kernel.shmall", "kernel.sem SEMMNS", "kernel.sem SEMMNI",
            "RLIMIT_SIGPENDING", "RLIMIT_NOFILE", "/dev/shm"];
        Assert.All(limits.Where(l => counted.Contains(l.Name)), static l => Assert.NotNull(l.InUse));

        var result = _session.Run("""
            $l = Get-IpcLimit RLIMIT_NOFILE; $l.Value -gt 0; $l.InUse -gt 0; $l.Raise; (Get-IpcLimit kernel.msgm*).Count
            $before = (Get-IpcLimit kernel.msgmni).InUse; $queue = New-IpcQueue -Kind SysV
            $null -ne $before -and (Get-IpcLimit kernel.msgmni).InUse -ge 1
            Remove-IpcObject $queue
            """);
        Assert.Equal(["True", "True", "ulimit -n N", "3", "True"], result.Values.Select(static v => v!.ToString()));
        Assert.Equal("\u2588\u2588\u2588\u2591\u2591\u2591\u2591\u2591\u2591\u2591", new IpcLimit("x", 100, 21, "", "", "").Bar);
        Assert.Equal(
            ("", true),
            (new IpcLimit("x", long.MaxValue, 21, "", "", "").Bar, new IpcLimit("x", long.MaxValue, 21, "", "", "").IsUnlimited));
    }

    [Fact]
    public void Features_are_tried_and_leave_nothing_behind()
    {
        var result = _session.Run("""
            Test-IpcFeature | ForEach-Object { "$($_.Name) $($_.IsAvailable) $($_.ErrorId)" }
            Test-IpcFeature AnonymousPipe, NamedPipe -Quiet
            (Get-IpcObject *feature-* -All -WarningAction SilentlyContinue | Where-Object { $_.Holders.ProcessId -contains $PID }).Count
            """);
        result.NoErrors();
        var said = result.Values.Select(static v => v!.ToString()!).ToList();
        Assert.Equal(["True", "0"], said[^2..]);
        Assert.Equal(IpcFeatures.Names, said[..^2].Select(static s => s.Split(' ')[0]));
        // Without these no Linux is one; each of the others has an error's id where it is missing.
        foreach (var name in new[] { "AnonymousPipe", "NamedPipe", "UnixSocket", "UnixSeqPacket", "UnixDatagram", "AbstractSocket", "Tcp4",
            "Udp4", "Mutex" }) Assert.Contains($"{name} True ", said);
        Assert.DoesNotContain(said[..^2], static s => s.EndsWith("False ", StringComparison.Ordinal));
        Assert.Contains("Ring", IpcFeatures.Names);
    }
}
