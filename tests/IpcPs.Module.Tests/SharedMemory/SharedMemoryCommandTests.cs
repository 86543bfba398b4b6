using System.Management.Automation;
using IpcPs.SharedMemory;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.SharedMemory;

public sealed class SharedMemoryCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"ipcps-test-{Guid.NewGuid():N}";

    public SharedMemoryCommandTests() => _session.Set("name", _name);

    public void Dispose()
    {
        _session.Dispose();
        File.Delete("/dev/shm/" + _name);
        File.Delete("/tmp/" + _name);
    }

    [Theory]
    [InlineData("New-IpcSharedMemory $name -Size 4KB", typeof(PosixSharedMemory), "shm:/")]
    [InlineData("New-IpcSharedMemory shm:/$name -Size 4KB", typeof(PosixSharedMemory), "shm:/")]
    [InlineData("New-IpcSharedMemory -Size 4KB", typeof(AnonymousMemory), "memfd:")]
    [InlineData("New-IpcSharedMemory -Size 4KB -Path /tmp/$name", typeof(MappedFile), "file:/tmp/")]
    [InlineData("New-IpcSharedMemory -Size 4KB -Kind File -Path /tmp/$name -Sparse", typeof(MappedFile), "file:/tmp/")]
    [InlineData("New-IpcSharedMemory -Size 4KB -Kind SysV", typeof(SysVSharedMemory), "sysvshm:id=")]
    public void A_segment_has_the_kind_of_its_parameters(string script, Type type, string address)
    {
        using var memory = (SharedMemorySegment)_session.Run(script).Single()!;
        Assert.IsType(type, memory);
        Assert.StartsWith(address, memory.Address.Text, StringComparison.Ordinal);
        Assert.Equal(4096, memory.Size);
        if (memory is not AnonymousMemory) _session.Run("Remove-IpcObject $args[0]", memory.Address).NoErrors();
    }

    [Theory]
    [InlineData("New-IpcSharedMemory $name -Size 0", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory $name -Size -5", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory ../$name -Size 1", "IpcInvalidName")]
    [InlineData("New-IpcSharedMemory ('x' * 256) -Size 1", "IpcNameTooLong")]
    [InlineData("New-IpcSharedMemory $name -Size 1 -Key 5", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory $name -Size 1 -Path /tmp/x", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory -Size 1 -Kind Posix", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory -Size 1 -Kind File", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory $name -Size 1 -Kind Anonymous", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory shm:/$name -Size 1 -Kind SysV", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory -Size 1 -Kind SysV -Sparse", "IpcInvalidArgument")]
    [InlineData("New-IpcSharedMemory -Size 1 -Key nonsense", "IpcInvalidAddress")]
    [InlineData("New-IpcSharedMemory $name -Size 8EB", null)]
    [InlineData("New-IpcSharedMemory $name -Size 1PB", "IpcLimitReached")]
    [InlineData("Read-IpcSharedMemory shm:/$name", "IpcNotFound")]
    [InlineData("Read-IpcSharedMemory fifo:$name", "IpcNotFound")]
    public void What_cannot_be_created_is_refused_with_an_error_id(string script, string? id)
    {
        var error = _session.Run(script).Error();
        if (id is not null) Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.False(File.Exists("/dev/shm/" + _name));
    }

    [Theory]
    [InlineData("Byte", 200, 1)]
    [InlineData("SByte", -100, 1)]
    [InlineData("Int16", -30000, 2)]
    [InlineData("UInt16", 60000, 2)]
    [InlineData("Int32", -2000000000, 4)]
    [InlineData("UInt32", 4000000000L, 4)]
    [InlineData("Int64", long.MinValue, 8)]
    [InlineData("UInt64", ulong.MaxValue, 8)]
    [InlineData("Single", 1.5f, 4)]
    [InlineData("Double", Math.PI, 8)]
    [InlineData("Decimal", 123456, 16)]
    [InlineData("Char", 'é', 2)]
    [InlineData("Boolean", true, 1)]
    public void A_value_is_read_as_the_type_that_was_written(string type, object value, int size)
    {
        _session.Set("m", AnonymousMemory.Create(64));
        _session.Set("v", value);
        Assert.Equal(3L + size, _session.Run("Write-IpcSharedMemory $m $v -Offset 3 -As $args[0] -PassThru", type).Single());
        var read = _session.Run("Read-IpcSharedMemory $m -Offset 3 -As $args[0]", type).Single()!;
        Assert.Equal(type, read.GetType().Name);
        Assert.Equal(Convert.ChangeType(value, read.GetType(), System.Globalization.CultureInfo.InvariantCulture), read);
        // And several of them.
        _session.Run("Write-IpcSharedMemory $m ($v, $v, $v) -As $args[0]", type).NoErrors();
        var many = (Array)_session.Run("Read-IpcSharedMemory $m -As $args[0] -Count 3", type).Single()!;
        Assert.Equal([read, read, read], many.Cast<object>());
        _session.Set("into", Array.CreateInstance(read.GetType(), 3));
        _session.Run("Read-IpcSharedMemory $m -Into $into").NoErrors();
        Assert.Equal(many, (Array)_session.Get("into")!);
    }

    [Fact]
    public void Values_from_the_pipeline_are_written_one_after_another()
    {
        _session.Set("m", AnonymousMemory.Create(64));
        Assert.Equal(24L, _session.Run("1..5 | Write-IpcSharedMemory $m -Offset 4 -PassThru").Single());
        Assert.Equal(new[] { 1, 2, 3, 4, 5 }, _session.Run("Read-IpcSharedMemory $m -Offset 4 -As Int32 -Count 5").Single());
    }

    [Fact]
    public void Text_is_written_in_the_requested_form()
    {
        var memory = AnonymousMemory.Create(64);
        _session.Set("m", memory);
        _session.Run("Write-IpcSharedMemory $m 'grüß dich'").NoErrors();
        Assert.Equal("grüß dich", _session.Run("Read-IpcSharedMemory $m -As String").Single());
        Assert.Equal(11, memory.Read<int>(0));
        _session.Run("Write-IpcSharedMemory $m abc -NullTerminated").NoErrors();
        Assert.Equal("abc", _session.Run("Read-IpcSharedMemory $m -As String -NullTerminated").Single());
        Assert.Equal(12L, _session.Run("Write-IpcSharedMemory $m 42 -As String -Count 12 -PassThru").Single());
        Assert.Equal("42", _session.Run("Read-IpcSharedMemory $m -As String -Count 12").Single());
        Fails("IpcOutOfRange", "Write-IpcSharedMemory $m 'too long' -Count 3");
        Fails("IpcOutOfRange", "Write-IpcSharedMemory $m ('x' * 61)");
        Fails("IpcInvalidArgument", "Write-IpcSharedMemory $m 1 -NullTerminated");
    }

    [Fact]
    public void An_object_is_read_as_it_was_written()
    {
        _session.Set("m", AnonymousMemory.Create(4096));
        _session.Run("Write-IpcSharedMemory $m @{ a = 1; b = [datetime]'2026-01-02' }").NoErrors();
        var table = Assert.IsType<System.Collections.Hashtable>(_session.Run("Read-IpcSharedMemory $m -As Object").Single());
        Assert.Equal(new DateTime(2026, 1, 2), table["b"]);
        _session.Run("Write-IpcSharedMemory $m ([pscustomobject]@{ P = 1..3 }) -Offset 1000").NoErrors();
        Assert.Equal("2", _session.Run("\"$((Read-IpcSharedMemory $m -As Object -Offset 1000).P[1])\"").Single());
        _session.Run("Write-IpcSharedMemory $m $null -Offset 2000").NoErrors();
        Assert.Null(_session.Run("Read-IpcSharedMemory $m -As Object -Offset 2000").Single());
        var error = _session.Run("Write-IpcSharedMemory $m 1000 -Offset 3000; Read-IpcSharedMemory $m -As Object -Offset 3000").Error();
        Assert.StartsWith("IpcInvalidData,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.InvalidData, error.CategoryInfo.Category);
    }

    [Fact]
    public void Access_outside_of_the_memory_is_an_error_that_names_the_size()
    {
        _session.Set("m", AnonymousMemory.Create(100));
        foreach (var script in new[]
        {
            "Read-IpcSharedMemory $m -Offset 101",
            "Read-IpcSharedMemory $m -Offset -1",
            "Read-IpcSharedMemory $m -As Int64 -Offset 93",
            "Read-IpcSharedMemory $m -As Int32 -Count 26",
            "Write-IpcSharedMemory $m ([byte[]]::new(101))",
            "Update-IpcSharedMemory $m -Offset 100 -Add 1",
            "Wait-IpcSharedMemory $m -Offset 200 -Timeout 1",
        })
        {
            var error = _session.Run(script).Error();
            Assert.StartsWith("IpcOutOfRange,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
            Assert.Contains("100 bytes", error.ToString(), StringComparison.Ordinal);
        }
        var tooMany = _session.Run("Read-IpcSharedMemory $m -As Int32 -Count 2GB").Error();
        Assert.Equal(ErrorCategory.InvalidArgument, tooMany.CategoryInfo.Category);
        Assert.Empty((byte[])_session.Run("Read-IpcSharedMemory $m -Offset 100").Single()!);
    }

    [Fact]
    public void A_wrong_value_leaves_the_memory_as_it_was()
    {
        _session.Set("m", AnonymousMemory.Create(100));
        Fails("IpcInvalidArgument", "Write-IpcSharedMemory $m (1, 2, 'x') -As Int32");
        Fails("IpcInvalidArgument", "Write-IpcSharedMemory $m 256 -As Byte");
        Fails("IpcInvalidArgument", "Write-IpcSharedMemory $m $null -As Int32");
        Fails("IpcInvalidArgument", "Write-IpcSharedMemory $m 'abc' -As Double");
        Assert.All((byte[])_session.Run("Read-IpcSharedMemory $m").Single()!, static b => Assert.Equal(0, b));
    }

    [Fact]
    public void A_value_is_changed_atomically()
    {
        _session.Set("m", AnonymousMemory.Create(100));
        Assert.Equal(5, _session.Run("Update-IpcSharedMemory $m -Offset 4 -Add 5").Single());
        Assert.Equal(5, _session.Run("Update-IpcSharedMemory $m -Offset 4 -Exchange -7").Single());
        Assert.Equal(-7, _session.Run("Update-IpcSharedMemory $m -Offset 4 -CompareExchange 1 -Expected 0").Single());
        Assert.Equal(-7, _session.Run("Update-IpcSharedMemory $m -Offset 4 -CompareExchange 1 -Expected -7").Single());
        _session.Run("Write-IpcSharedMemory $m 1L -Offset 8").NoErrors();
        Assert.Equal(5_000_000_001, _session.Run("Update-IpcSharedMemory $m -Offset 8 -Add 5000000000 -As Int64").Single());
        Fails("IpcInvalidArgument", "Update-IpcSharedMemory $m -Offset 4 -Add 5000000000");
        Fails("IpcInvalidArgument", "Update-IpcSharedMemory $m -Offset 3 -Add 1");
    }

    [Fact]
    public void A_wait_ends_when_another_session_writes_the_value_or_by_its_timeout_or_by_a_stop()
    {
        var memory = PosixSharedMemory.Create(IpcAddress.Parse("shm:" + _name), 100);
        var error = _session.Run("Wait-IpcSharedMemory shm:/$name -Offset 8 -Timeout 0.02").Error();
        Assert.StartsWith("IpcTimeout,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.OperationTimeout, error.CategoryInfo.Category);
        using (var waiting = _session.Start("1; Wait-IpcSharedMemory shm:/$name -Offset 8 -While 0"))
        {
            waiting.WaitForOutput();
            using var other = new ModuleSession();
            other.Run("Write-IpcSharedMemory $args[0] 6 -Offset 8", memory).NoErrors();
            Assert.Equal([1, 6], waiting.Wait().NoErrors().Values);
        }
        using (var waiting = _session.Start("1; Wait-IpcSharedMemory shm:/$name -Offset 8 -While 6"))
        {
            waiting.WaitForOutput();
            Assert.True(waiting.Stop().WasStopped);
        }
    }

    [Fact]
    public void Two_processes_see_the_same_bytes()
    {
        var memory = PosixSharedMemory.Create(IpcAddress.Parse("shm:" + _name), 1000);
        memory.Write(0, 1234);
        var result = Shell.Pwsh.Run(
            $"Read-IpcSharedMemory shm:/{_name} -As Int32; Write-IpcSharedMemory shm:/{_name} 'from the other' -Offset 100");
        Assert.Contains("1234", result.Output, StringComparison.Ordinal);
        Assert.Equal("from the other", memory.ReadPrefixedText(100));
    }

    [Fact]
    public void WhatIf_creates_nothing_and_Set_IpcObject_resizes()
    {
        Assert.Empty(_session.Run("New-IpcSharedMemory $name -Size 100 -WhatIf").NoErrors().Output);
        Assert.False(File.Exists("/dev/shm/" + _name));
        _session.Run("$null = New-IpcSharedMemory $name -Size 100 -Mode 640; Set-IpcObject shm:/$name -Capacity 200").NoErrors();
        Assert.Equal(200, new FileInfo("/dev/shm/" + _name).Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode("/dev/shm/" + _name));
    }

    private void Fails(string id, string script) =>
        Assert.StartsWith(id + ",", _session.Run(script).Error().FullyQualifiedErrorId, StringComparison.Ordinal);
}
