using System.Management.Automation;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Queues;

/// <summary>New-IpcQueue, and what Send- and Receive-IpcMessage do with a queue.</summary>
public sealed class QueueCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"ipcps-module-{Environment.ProcessId}-{Guid.NewGuid():n}";

    public void Dispose()
    {
        _session.Run("Remove-IpcObject $args[0] -Force", $"mq:/{_name}");
        _session.Dispose();
    }

    [Fact]
    public void Objects_go_through_a_queue_by_priority()
    {
        var result = _session.Run(
            """
            $queue = New-IpcQueue $args[0]
            1..3 | Send-IpcMessage $queue
            [datetime]'2026-01-02' | Send-IpcMessage "mq:/$($args[0])" -Priority 9
            Receive-IpcMessage $queue -Count 4
            Receive-IpcMessage $queue -NoWait
            """, _name);
        Assert.Equal([new DateTime(2026, 1, 2), 1, 2, 3], result.Values);
        Expect(result.Error(), "IpcEmpty", ErrorCategory.ResourceBusy, $"Would have to wait for a message on 'mq:/{_name}'.");
    }

    [Theory]
    [InlineData("-Name {0} -MaxMessages 2", "1..3 | Send-IpcMessage $queue -NoWait")]
    [InlineData("-Kind SysV -MaxBytes 40", "('x' * 20), ('x' * 20), 'x' | Send-IpcMessage $queue -NoWait -Format Text")]
    public void A_full_queue_is_an_error_with_its_own_id(string make, string send)
    {
        make = string.Format(System.Globalization.CultureInfo.InvariantCulture, make, _name);
        var result = _session.Run($"$queue = New-IpcQueue {make}; {send}; $queue.CurrentMessages; Remove-IpcObject $queue");
        Assert.Equal([2L], result.Values);
        Assert.StartsWith("IpcQueueFull,", result.Error().FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ResourceBusy, result.Error().CategoryInfo.Category);
    }

    [Fact]
    public void Types_choose_and_an_envelope_tells_them()
    {
        var result = _session.Run(
            """
            $queue = New-IpcQueue -Kind SysV
            'a' | Send-IpcMessage $queue -Type 5
            'b' | Send-IpcMessage $queue -Type 3
            'c' | Send-IpcMessage $queue
            Receive-IpcMessage $queue -Peek
            (Receive-IpcMessage $queue -Type -4 -Envelope) | ForEach-Object { "$($_.Body)$($_.Type)" }
            Receive-IpcMessage $queue -Type 5 -ExceptType
            Receive-IpcMessage $queue
            Remove-IpcObject $queue
            """);
        Assert.Equal(["a", "c1", "b", "a"], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("New-IpcQueue x -Kind SysV", "IpcInvalidArgument", "A System V queue has a key and no name: instead of 'x' give -Key")]
    [InlineData("New-IpcQueue x -Key 5", "IpcInvalidArgument", "A System V queue has a key and no name")]
    [InlineData("New-IpcQueue x -Kind Posix -Key 5", "IpcInvalidArgument", "A POSIX queue has a name and no key")]
    [InlineData("New-IpcQueue x -MaxBytes 5", "IpcInvalidArgument", "use -MaxMessages and -MaxMessageSize instead of -MaxBytes")]
    [InlineData("New-IpcQueue -Kind SysV -MaxMessages 5", "IpcInvalidArgument", "use -MaxBytes instead of")]
    [InlineData("New-IpcQueue fifo:x", "IpcInvalidArgument", "'fifo:x' is not the address of a message queue.")]
    [InlineData("New-IpcQueue a/b", "IpcInvalidName", "a name has no slash")]
    [InlineData("New-IpcQueue -Key zzz", "IpcInvalidAddress", "a key is a number like 0x2a or 42")]
    [InlineData("New-IpcQueue -Key id=3", "IpcInvalidArgument", "The kernel chooses the id of a queue")]
    [InlineData("New-IpcQueue -Key /no/such/file#1", "IpcNotFound", "ftok on '/no/such/file' failed")]
    [InlineData("New-IpcQueue -MaxMessages 0", "IpcInvalidArgument", "The maximum number of messages must be 1 or more; it is 0.")]
    [InlineData("New-IpcQueue -MaxMessages 1000000", "IpcLimitReached", "fs.mqueue.msg_max is ")]
    [InlineData("New-IpcQueue -MaxMessageSize 1GB", "IpcLimitReached", "fs.mqueue.msgsize_max is ")]
    [InlineData(
        "$q = New-IpcQueue; try { $q | Set-IpcObject } finally { Remove-IpcObject $q }", "IpcInvalidArgument",
        "There is nothing to change")]
    [InlineData(
        "$q = New-IpcQueue; try { $q | Set-IpcObject -MaxBytes 5 } finally { Remove-IpcObject $q }", "IpcNotSupported",
        "(POSIX message queue) has no maximum in bytes")]
    [InlineData("New-IpcPipe | Set-IpcObject -Mode 600", "IpcNotSupported", "(anonymous pipe) has no owner, group or mode.")]
    [InlineData("$q = New-IpcQueue; try { $q | Set-IpcObject -Owner nosuchuser } finally { Remove-IpcObject $q }", "IpcInvalidArgument",
        "There is no user 'nosuchuser' on this machine.")]
    [InlineData("Set-IpcObject mq:/there-is-none -Mode 600", "IpcNotFound",
        "mq_open on 'mq:/there-is-none' failed: No such file or directory (ENOENT).")]
    public void What_is_wrong_is_said(string script, string id, string text)
    {
        var error = _session.Run(script).Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_queue_exists_once()
    {
        var error = _session.Run("$null = New-IpcQueue $args[0]; New-IpcQueue $args[0]", _name).Error();
        Expect(error, "IpcAlreadyExists", ErrorCategory.ResourceExists, $"mq_open on 'mq:/{_name}' failed: File exists (EEXIST).");
    }

    [Fact]
    public void What_if_makes_nothing()
    {
        _session.Run("New-IpcQueue $args[0] -WhatIf", _name).NoErrors();
        Assert.StartsWith("IpcNotFound,", _session.Run("Open-IpcObject $args[0]", $"mq:/{_name}").Error().FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Mode_owner_and_size_are_set()
    {
        var result = _session.Run(
            """
            $posix = New-IpcQueue $args[0] -Mode 640; $sysv = New-IpcQueue -Kind SysV -Mode u=rw
            [Convert]::ToString([int]$posix.Mode, 8), [Convert]::ToString([int]$sysv.Mode, 8)
            Set-IpcObject $posix -Mode 600 -Owner $posix.Owner -Group $posix.Group
            Set-IpcObject "sysvmq:id=$($sysv.Id)" -Mode 660 -MaxBytes 100
            [Convert]::ToString([int]$posix.Mode, 8), [Convert]::ToString([int]$sysv.Mode, 8), $sysv.MaxBytes
            Remove-IpcObject $sysv
            """, _name);
        Assert.Equal(["640", "600", "600", "660", 100L], result.NoErrors().Values);
    }

    [Fact]
    public void Mode_and_capacity_of_pipes_are_set()
    {
        var result = _session.Run(
            """
            $fifo = New-IpcPipe $args[0]; Set-IpcObject $fifo -Mode 640; [Convert]::ToString([int]$fifo.Mode, 8); Remove-IpcObject $fifo
            $pipe = New-IpcPipe; Set-IpcObject $pipe -Capacity 128KB; $pipe.Capacity; Close-IpcObject $pipe
            """, _name);
        Assert.Equal(["640", 131072L], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("New-IpcQueue")]
    [InlineData("New-IpcQueue -Kind SysV")]
    public void Stopping_ends_a_blocked_receive_and_a_blocked_send(string make)
    {
        var queue = _session.Run(make).Single();
        _session.Set("queue", queue);
        using (var receiving = _session.Start("'begun'; Receive-IpcMessage $queue"))
        {
            receiving.WaitForOutput();
            Assert.True(receiving.Stop().WasStopped);
        }
        using (var sending = _session.Start("'begun'; while ($true) { 'x' | Send-IpcMessage $queue }"))
        {
            sending.WaitForOutput();
            Assert.True(sending.Stop().WasStopped);
        }
        _session.Run("Remove-IpcObject $queue").NoErrors();
    }

    [Theory]
    [InlineData("New-IpcQueue")]
    [InlineData("New-IpcQueue -Kind SysV")]
    public void Another_process_that_removes_the_queue_ends_a_receive(string make)
    {
        var queue = _session.Run(make).Single();
        _session.Set("queue", queue);
        using var receiving = _session.Start("'begun'; Receive-IpcMessage $queue");
        receiving.WaitForOutput();
        Shell.Pwsh.Run($"Remove-IpcObject '{queue}'").Succeeded();
        Expect(receiving.Wait().Error(), "IpcRemoved", ErrorCategory.ConnectionError, $"'{queue}' was removed.");
    }

    [Theory]
    [InlineData("New-IpcQueue")]
    [InlineData("New-IpcQueue -Kind SysV")]
    public void Killed_senders_and_receivers_lose_nothing_that_was_acknowledged(string make)
    {
        var queue = _session.Run(make).Single();
        _session.Set("queue", queue);
        using (var sender = Shell.Pwsh.Start($"1..5 | Send-IpcMessage '{queue}'; 'sent'; Receive-IpcMessage '{queue}' -Count 2; "
            + "'received'; while ($true) { }"))
        {
            sender.Expect("sent");
            Assert.Equal(("1", "2"), (sender.ReadLine(), sender.ReadLine()));
            sender.Expect("received");
            sender.Signal(9);
        }
        var result = _session.Run("Receive-IpcMessage $queue -Count 4 -NoWait; Remove-IpcObject $queue");
        Assert.Equal([3, 4, 5], result.Values);
        Assert.StartsWith("IpcEmpty,", result.Error().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Large_objects_pass_between_processes()
    {
        var queue = _session.Run("New-IpcQueue $args[0]", _name).Single();
        Shell.Pwsh.Run($"'x' * 1MB | Send-IpcMessage '{queue}'").Succeeded();
        Assert.Equal(new string('x', 1024 * 1024), _session.Run("Receive-IpcMessage $args[0]", queue).Single());
        var error = _session.Run("'x' * 1MB | Send-IpcMessage $args[0] -Format Text", queue).Error();
        Expect(error, "IpcMessageTooLarge", ErrorCategory.LimitsExceeded, "A message of 1048576 bytes is larger than the 8192 that");
        Assert.Contains("fs.mqueue.msgsize_max", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }

    private static void Expect(ErrorRecord error, string id, ErrorCategory category, string text)
    {
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }
}
