using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Rings;

/// <summary>New-IpcRing, and what the message commands do with a ring.</summary>
public sealed class RingCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"module-{Guid.NewGuid():n}";

    private string File => $"/dev/shm/ipcps-ring.{_name}";

    public void Dispose()
    {
        _session.Dispose();
        System.IO.File.Delete(File);
    }

    [Fact]
    public void Objects_go_through_a_ring_until_its_writer_says_that_it_is_done()
    {
        var result = _session.Run(
            """
            $ring = New-IpcRing $args[0]
            $reader = Open-IpcObject "ring:/$($args[0])" -Access Read
            1, 'two', [datetime]'2026-01-02' | Send-IpcMessage $ring -Close
            Receive-IpcMessage $reader -All
            Close-IpcObject $ring, $reader
            """, _name);
        Assert.Equal([1, "two", new DateTime(2026, 1, 2)], result.NoErrors().Values);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public void A_slow_reader_is_warned_of_what_it_lost()
    {
        var result = _session.Run(
            """
            $ring = New-IpcRing $args[0] -Broadcast -Overflow DropOldest -Capacity 64KB
            $reader = Open-IpcObject $ring.Address -Access Read
            1..9000 | Send-IpcMessage $ring -Close
            $got = @(Receive-IpcMessage $reader -All)
            $got[-1]
            $got.Count + $reader.LostMessages
            Close-IpcObject $reader, $ring
            """, _name);
        Assert.Equal([9000, 9000L], result.NoErrors().Values);
        Assert.Matches("^[0-9]+ messages on 'ring:/.*' were dropped before this one: this reader is too slow for its writers.$",
            Assert.Single(result.Warnings));
    }

    [Fact]
    public void A_ring_that_persists_is_there_for_who_comes_later()
    {
        var result = _session.Run(
            """
            New-IpcRing $args[0] -Persist -Mode 640 | Close-IpcObject
            'for later' | Send-IpcMessage "ring:/$($args[0])"
            Receive-IpcMessage "ring:/$($args[0])"
            """, _name);
        Assert.Equal("for later", result.Single());
        Assert.Equal(0x1A0u, (uint)System.IO.File.GetUnixFileMode(File));
        _session.Run("Remove-IpcObject $args[0]", "ring:/" + _name).NoErrors();
        Assert.False(System.IO.File.Exists(File));
    }

    [Theory]
    [InlineData("New-IpcRing $name; New-IpcRing $name", "IpcAlreadyExists", ErrorCategory.ResourceExists,
        "linkat on 'ring:/{0}' failed: File exists (EEXIST).")]
    [InlineData("New-IpcRing a/b", "IpcInvalidName", ErrorCategory.InvalidArgument,
        "'ring:a/b' is not a usable name: a name has no slash.")]
    [InlineData("New-IpcRing mq:/x", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "'mq:/x' is not the address of a ring.")]
    [InlineData("New-IpcRing $name -Capacity 2GB", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "A ring holds 1 to 1073741824 bytes, not 2147483648.")]
    [InlineData("Receive-IpcMessage ring:/$name", "IpcNotFound", ErrorCategory.ObjectNotFound,
        "open on 'ring:/{0}' failed: No such file or directory (ENOENT).")]
    [InlineData("$r = New-IpcRing $name; Receive-IpcMessage $r -NoWait", "IpcEmpty", ErrorCategory.ResourceBusy,
        "Would have to wait for a message on 'ring:/{0}'.")]
    [InlineData("$r = New-IpcRing $name; Receive-IpcMessage $r -Timeout 0.01", "IpcTimeout", ErrorCategory.OperationTimeout,
        "Waited 0.01 s for a message on 'ring:/{0}'.")]
    [InlineData("$r = New-IpcRing $name -Capacity 64KB; ('x' * 33000) | Send-IpcMessage $r -Format Text", "IpcMessageTooLarge",
        ErrorCategory.LimitsExceeded, "A message of 33000 bytes is larger than the 32752 that 'ring:/{0}' takes.")]
    public void Errors_have_their_id_and_category_and_say_what_is_wrong(string script, string id, ErrorCategory category, string message)
    {
        var result = _session.Run("$name = $args[0]; " + script + "; if ($r) { Close-IpcObject $r }", _name);
        var error = result.Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Equal(string.Format(System.Globalization.CultureInfo.InvariantCulture, message, _name), error.Exception.Message);
    }

    [Fact]
    public void WhatIf_makes_nothing()
    {
        Assert.Empty(_session.Run("New-IpcRing $args[0] -WhatIf", _name).NoErrors().Output);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public void A_blocked_receive_is_stopped()
    {
        _session.Set("ring", _session.Run("New-IpcRing $args[0]", _name).Single());
        using (var blocked = _session.Start("Receive-IpcMessage $ring"))
        {
            blocked.Stop();
            Assert.True(blocked.Wait().WasStopped);
        }
        _session.Run("Close-IpcObject $ring").NoErrors();
    }

    [Fact]
    public void A_large_object_goes_beside_the_ring()
    {
        var result = _session.Run(
            """
            $r = New-IpcRing $args[0] -Capacity 64KB
            'x' * 100000 | Send-IpcMessage $r
            (Receive-IpcMessage $r).Length
            Close-IpcObject $r
            """, _name);
        Assert.Equal(100_000, result.Single());
    }
}
