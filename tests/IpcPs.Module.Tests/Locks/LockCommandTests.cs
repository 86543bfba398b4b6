using System.Management.Automation;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.SharedMemory;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Locks;

public sealed class LockCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"ipcps-test-{Guid.NewGuid():N}";
    private readonly SysVSemaphoreSet _set = SysVSemaphoreSet.Create(null, 2, 1);
    private readonly IpcMutex _mutex;
    private readonly PosixSemaphore _semaphore;

    public LockCommandTests()
    {
        _mutex = IpcMutex.Create(IpcAddress.Parse("mutex:" + _name));
        _semaphore = PosixSemaphore.Create(IpcAddress.Parse("sem:" + _name));
        _session.Set("name", _name);
        _session.Set("set", _set.Address.Text);
    }

    public static TheoryData<string> Kinds => ["mutex", "sem", "sysvsem"];

    public void Dispose()
    {
        _session.Dispose();
        foreach (var made in new IpcLock[] { _mutex, _semaphore, _set })
        {
            IpcMechanisms.For(made.Address.Scheme).Remove(made.Address);
            made.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_lock_that_is_named_by_its_address_is_held_until_it_is_unlocked(string kind)
    {
        var address = Address(kind);
        _session.Run("Lock-IpcObject $args[0]", address).NoErrors();
        Assert.False(IsFree(kind));
        _session.Run("Unlock-IpcObject $args[0]", address).NoErrors();
        Assert.True(IsFree(kind));
        _session.Set("lock", address);
        _session.Run("Lock-IpcObject $lock; Unlock-IpcObject $lock; Lock-IpcObject $lock -NoWait; Unlock-IpcObject $lock").NoErrors();
        Assert.True(IsFree(kind));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_lock_that_cannot_be_acquired_is_an_error_that_ends_the_statement(string kind)
    {
        using var holder = (IpcLock)IpcMechanisms.Open(Address(kind));
        holder.Acquire();
        _session.Set("lock", Address(kind).Text);
        var error = _session.Run("Lock-IpcObject $lock -NoWait").Error();
        Assert.StartsWith("IpcLocked,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ResourceBusy, error.CategoryInfo.Category);
        Assert.NotNull(error.ErrorDetails?.RecommendedAction);
        error = _session.Run("Use-IpcLock $lock -Timeout 0.02 { 'never' }").Error();
        Assert.StartsWith("IpcTimeout,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal("caught", _session.Run("try { Lock-IpcObject $lock -Timeout 0.02; 'went on' } catch { 'caught' }").Single());
        using (var waiting = _session.Start("1; Lock-IpcObject $lock"))
        {
            waiting.WaitForOutput();
            Assert.True(waiting.Stop().WasStopped);
        }
        holder.Release();
        Assert.True(IsFree(kind));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Use_IpcLock_releases_at_every_end_of_its_block(string kind)
    {
        _session.Set("lock", Address(kind).Text);
        Assert.Equal([1, 2, 3], _session.Run("Use-IpcLock $lock { 1; 2; 3 }").NoErrors().Values);
        Assert.True(IsFree(kind));
        Assert.Equal("boom", _session.Run("Use-IpcLock $lock { throw 'boom' }").Error().ToString());
        Assert.True(IsFree(kind));
        Assert.Equal(["in", "after"], _session.Run("& { Use-IpcLock $lock { 'in'; return }; 'after' }").NoErrors().Values);
        Assert.True(IsFree(kind));
        Assert.Equal([1], _session.Run("foreach ($i in 1..3) { Use-IpcLock $lock { if ($i -eq 2) { break }; $i } }").NoErrors().Values);
        Assert.True(IsFree(kind));
        Assert.Equal(7, _session.Run("$x = 0; Use-IpcLock $lock { $x = 7 }; $x").Single());
        using (var running = _session.Start("Use-IpcLock $lock { 'in'; while ($true) { } }"))
        {
            running.WaitForOutput();
            Assert.False(IsFree(kind));
            Assert.True(running.Stop().WasStopped);
        }
        Assert.True(IsFree(kind));
        Assert.Equal(4, Shell.Pwsh.Run($"Use-IpcLock '{Address(kind)}' {{ exit 4 }}").ExitCode);
        Assert.True(IsFree(kind));
    }

    [Fact]
    public void A_mutex_that_is_held_names_its_holder()
    {
        var name = $"holder-{Environment.ProcessId}-{Guid.NewGuid():n}";
        using var session = new ModuleSession();
        using var other = new ModuleSession();
        var text = (string)session.Run("""
            $global:m = New-IpcMutex $args[0]
            $free = $m.State
            Lock-IpcObject $m
            "$free; $($m.State); $($m | Out-String -Width 80)"
            """, name).Single()!;
        try
        {
            Assert.StartsWith("free, or held by another program; held by this object; ", text, StringComparison.Ordinal);
            Assert.Contains("held here", text[text.LastIndexOf(';')..], StringComparison.Ordinal);
            var holder = $"process {Environment.ProcessId} ({File.ReadAllText("/proc/self/comm").Trim()})";
            var timeout = other.Run("Lock-IpcObject \"mutex:$($args[0])\" -Timeout 0.05", name).Error();
            Assert.StartsWith("IpcTimeout,", timeout.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal($"Waited 0.05 s for 'mutex:{name}', which {holder} holds.", timeout.Exception.Message);
            var now = other.Run("Lock-IpcObject \"mutex:$($args[0])\" -NoWait", name).Error();
            Assert.StartsWith("IpcLocked,", now.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal($"'mutex:{name}' cannot be acquired now: {holder} holds it.", now.Exception.Message);
            var state = other.Run("$o = Open-IpcObject \"mutex:$($args[0])\"; $o.State; $o.Dispose()", name).Single();
            Assert.Equal("held by " + holder, state);
        }
        finally
        {
            session.Run("Unlock-IpcObject $m; Remove-IpcObject $m -Confirm:$false");
        }
    }

    [Fact]
    public void Output_comes_while_the_block_runs()
    {
        using var running = _session.Start("Use-IpcLock mutex:$name { 1; while ($true) { } }");
        Assert.Equal(1, running.WaitForOutput()!.BaseObject);
        running.Stop();
    }

    [Fact]
    public void A_mutex_is_released_when_its_session_ends_or_the_module_is_removed()
    {
        using (var other = new ModuleSession()) other.Run("Lock-IpcObject mutex:$($args[0])", _name).NoErrors();
        Assert.True(IsFree("mutex"));
        using (var other = new ModuleSession()) other.Run("Lock-IpcObject $args[0]", _mutex).NoErrors();
        Assert.True(IsFree("mutex"));
        using (var other = new ModuleSession())
        {
            other.Run("Lock-IpcObject mutex:$($args[0]); Remove-Module IpcPs", _name).NoErrors();
            Assert.True(IsFree("mutex"));
        }
        Assert.Equal(0, Shell.Pwsh.Run($"Lock-IpcObject mutex:{_name}; exit").ExitCode);
        Assert.True(IsFree("mutex"));
        Assert.Empty(_session.Run("Use-IpcLock mutex:$name { }").NoErrors().Warnings);
    }

    [Fact]
    public void The_next_holder_after_a_killed_one_gets_a_warning()
    {
        using var holder = Shell.Pwsh.Start($"Lock-IpcObject mutex:{_name}; 'held'; while ($true) {{ }}");
        Assert.Equal("held", holder.ReadLine());
        using (var waiting = _session.Start("1; Lock-IpcObject mutex:$name -PassThru | ForEach-Object OwnerDied"))
        {
            waiting.WaitForOutput();
            holder.Signal(9);
            var result = waiting.Wait().NoErrors();
            Assert.Equal([1, true], result.Values);
            Assert.Contains($"Process {holder.Id} ", Assert.Single(result.Warnings), StringComparison.Ordinal);
        }
        _session.Run("Unlock-IpcObject mutex:$name").NoErrors();
        Assert.Empty(_session.Run("Lock-IpcObject mutex:$name; Unlock-IpcObject mutex:$name").NoErrors().Warnings);
    }

    [Fact]
    public void A_mutex_that_is_held_already_is_an_error_unless_it_is_recursive()
    {
        var error = _session.Run("Use-IpcLock mutex:$name { Lock-IpcObject $args[0] }", _mutex);
        _session.Set("m", _mutex);
        error = _session.Run("Lock-IpcObject $m; Lock-IpcObject $m");
        Assert.StartsWith("IpcInvalidOperation,", error.Error().FullyQualifiedErrorId, StringComparison.Ordinal);
        _session.Run("Unlock-IpcObject $m").NoErrors();
        Fails("IpcInvalidOperation", "Unlock-IpcObject $m");
        Fails("IpcInvalidOperation", "Unlock-IpcObject mutex:$name");
        _session.Run("$r = New-IpcMutex \"$name-r\" -Recursive; Use-IpcLock $r { Use-IpcLock $r { } }; Remove-IpcObject $r").NoErrors();
    }

    [Fact]
    public void Sessions_of_one_process_wait_for_each_other_also_with_one_object()
    {
        _session.Set("m", _mutex);
        _session.Run("Lock-IpcObject $m").NoErrors();
        using var other = new ModuleSession();
        var error = other.Run("Lock-IpcObject $args[0] -NoWait", _mutex).Error();
        Assert.StartsWith("IpcLocked,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        using var waiting = other.Start("1; Lock-IpcObject $args[0]; 2; Unlock-IpcObject $args[0]", _mutex);
        waiting.WaitForOutput();
        _session.Run("Unlock-IpcObject $m").NoErrors();
        Assert.Equal([1, 2], waiting.Wait().NoErrors().Values);
    }

    [Fact]
    public void A_semaphore_counts_and_any_process_may_release_it()
    {
        _session.Run("Unlock-IpcObject sem:$name -Count 4; Lock-IpcObject sem:$name -Count 3").NoErrors();
        Assert.Equal(2, _semaphore.Value);
        _session.Run("Unlock-IpcObject sem:$name").NoErrors();
        Assert.Equal(3, _semaphore.Value);
        _session.Run("Lock-IpcObject $set -Index 1; Lock-IpcObject $set -Index 1 -Count 0 -NoWait").NoErrors();
        Assert.Equal([1, 0], _set.Values);
        _session.Run("Unlock-IpcObject $set -Index 1 -Count 3").NoErrors();
        Assert.Equal([1, 3], _set.Values);
        foreach (var (script, id) in new[]
        {
            ("Lock-IpcObject sem:$name -Index 1", "IpcOutOfRange"),
            ("Lock-IpcObject $set -Index 2", "IpcOutOfRange"),
            ("Lock-IpcObject sem:$name -Count 0", "IpcInvalidArgument"),
            ("Lock-IpcObject mutex:$name -Count 2", "IpcInvalidArgument"),
            ("Lock-IpcObject sem:$name -NoWait -Timeout 1", "IpcInvalidArgument"),
            ("Lock-IpcObject sem:/nothing-$name", "IpcNotFound"),
            ("New-IpcSemaphore $name", "IpcAlreadyExists"),
            ("New-IpcMutex $name", "IpcAlreadyExists"),
            ("New-IpcSemaphore", "IpcInvalidArgument"),
            ("New-IpcSemaphore \"$name-x\" -InitialCount -1", "IpcInvalidArgument"),
            ("New-IpcSemaphore \"$name-x\" -Count 2", "IpcInvalidArgument"),
            ("New-IpcMutex a/b", "IpcInvalidName"),
        })
            Fails(id, script);
    }

    [Fact]
    public void The_kernel_releases_a_System_V_semaphore_of_a_killed_process_and_not_a_POSIX_one()
    {
        using var holder = Shell.Pwsh.Start($$"""
            Lock-IpcObject '{{_set.Address}}'
            Lock-IpcObject '{{_set.Address}}' -Index 1 -NoUndo
            Lock-IpcObject sem:{{_name}}
            'held'
            while ($true) { }
            """);
        Assert.Equal("held", holder.ReadLine());
        holder.Signal(9);
        _session.Run("Lock-IpcObject $set; Unlock-IpcObject $set").NoErrors();
        Assert.Equal([1, 0], _set.Values);
        Assert.Equal(0, _semaphore.Value);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_counter_that_four_processes_increment_under_the_lock_is_exact(string kind)
    {
        using var counter = PosixSharedMemory.Create(IpcAddress.Parse("shm:" + _name), 8);
        var script = $$"""
            $memory = Open-IpcObject shm:/{{_name}}
            $lock = Open-IpcObject '{{Address(kind)}}'
            'ready'
            [void][Console]::ReadLine()
            foreach ($i in 1..200) {
                Use-IpcLock $lock { Write-IpcSharedMemory $memory (1 + (Read-IpcSharedMemory $memory -As Int64)) -As Int64 }
            }
            """;
        var workers = Enumerable.Range(0, 4).Select(_ => Shell.Pwsh.Start(script)).ToList();
        try
        {
            foreach (var worker in workers) Assert.Equal("ready", worker.ReadLine());
            foreach (var worker in workers) worker.Input.WriteLine();
            foreach (var worker in workers) Assert.Equal(0, worker.Finish().ExitCode);
        }
        finally
        {
            foreach (var worker in workers) worker.Dispose();
            File.Delete("/dev/shm/" + _name);
        }
        Assert.Equal(800, counter.Read<long>(0));
        Assert.True(IsFree(kind));
    }

    private void Fails(string id, string script) =>
        Assert.StartsWith(id + ",", _session.Run(script).Error().FullyQualifiedErrorId, StringComparison.Ordinal);

    private IpcAddress Address(string kind) => kind switch { "mutex" => _mutex.Address, "sem" => _semaphore.Address, _ => _set.Address };

    private bool IsFree(string kind)
    {
        using var probe = (IpcLock)IpcMechanisms.Open(Address(kind));
        try
        {
            probe.Acquire(Deadline.Immediate);
            probe.Release();
            return true;
        }
        catch (IpcException e) when (e.Id == IpcErrors.Locked)
        {
            return false;
        }
    }
}
