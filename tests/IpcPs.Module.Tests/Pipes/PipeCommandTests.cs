using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Pipes;

public sealed class PipeCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"test-{Guid.NewGuid():N}";

    public void Dispose()
    {
        _session.Run("Remove-IpcObject $args[0] -Force", "fifo:" + _name);
        _session.Dispose();
    }

    [Fact]
    public void Objects_arrive_as_what_they_were()
    {
        var result = _session.Run("""
            $pipe = New-IpcPipe
            1, 'two', 3.5, $true | Send-IpcMessage $pipe
            Send-IpcMessage $pipe ([datetime]'2026-01-02')
            Send-IpcMessage $pipe @{ a = 1 }
            Send-IpcMessage $pipe @(1, 2, 3)
            Send-IpcMessage $pipe $null -Close
            Receive-IpcMessage $pipe -All | ForEach-Object { if ($null -eq $_) { 'null' } else { $_.GetType().Name } }
            """);
        Assert.Equal(["Int32", "String", "Double", "Boolean", "DateTime", "Hashtable", "Object[]", "null"], Unrolled(result));
    }

    [Fact]
    public void Every_way_to_name_a_pipe_reaches_it()
    {
        var result = _session.Run("""
            $pipe = New-IpcPipe
            1 | Send-IpcMessage $pipe.Writer
            2 | Send-IpcMessage $pipe.Address
            3 | Send-IpcMessage "$($pipe.Address)"
            4 | Send-IpcMessage ([pscustomobject]@{ Address = "$($pipe.Address)" })
            Receive-IpcMessage "$($pipe.Address)" -Count 2
            Receive-IpcMessage $pipe.Reader -Count 2
            """);
        Assert.Equal(["1", "2", "3", "4"], Unrolled(result));
    }

    [Fact]
    public void A_shell_and_a_session_talk_through_a_fifo()
    {
        var result = _session.Run("""
            $fifo = New-IpcPipe $args[0] -Mode 'u=rw,g=w'
            $null = [Diagnostics.Process]::Start('/bin/sh', [string[]]('-c', "printf 'one\ntwo\nlast' > '$($fifo.Path)'"))
            Receive-IpcMessage $fifo -All -Timeout 60
            "$($fifo.Mode)"
            """, _name);
        Assert.Equal(["one", "two", "last", "0620"], Unrolled(result));
    }

    [Theory]
    [InlineData("Receive-IpcMessage nonsense", "IpcInvalidAddress", ErrorCategory.InvalidArgument, "no scheme")]
    [InlineData("Receive-IpcMessage fifo:no-such-thing", "IpcNotFound", ErrorCategory.ObjectNotFound, "ENOENT")]
    [InlineData("Receive-IpcMessage fifo:/etc/passwd", "IpcWrongKind", ErrorCategory.InvalidOperation, "not a named pipe")]
    [InlineData("Open-IpcObject ('fifo:' + 'x' * 300)", "IpcNameTooLong", ErrorCategory.InvalidArgument, "255")]
    [InlineData("New-IpcPipe ../x", "IpcInvalidName", ErrorCategory.InvalidArgument, "slash")]
    [InlineData("Receive-IpcMessage (New-IpcPipe) -Count 0", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "-Count must be 1 or more")]
    [InlineData("Receive-IpcMessage (New-IpcPipe) -Count -5", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "-5")]
    [InlineData("Receive-IpcMessage (New-IpcPipe) -Timeout -1", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "negative")]
    [InlineData("Receive-IpcMessage (New-IpcPipe) -Timeout 0.01", "IpcTimeout", ErrorCategory.OperationTimeout, "0.01 s")]
    [InlineData("Receive-IpcMessage (New-IpcPipe) -NoWait", "IpcEmpty", ErrorCategory.ResourceBusy, "Would have to wait")]
    [InlineData(
        "Receive-IpcMessage (New-IpcPipe) -NoWait -Timeout 1", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "exclude each other")]
    [InlineData("Receive-IpcMessage (New-IpcPipe) -Peek", "IpcNotSupported", ErrorCategory.InvalidOperation, "byte stream")]
    [InlineData("Receive-IpcMessage (New-IpcPipe).Writer", "IpcNotSupported", ErrorCategory.InvalidOperation, "sending only")]
    [InlineData("1 | Send-IpcMessage (New-IpcPipe).Reader", "IpcNotSupported", ErrorCategory.InvalidOperation, "receiving only")]
    [InlineData("1 | Send-IpcMessage (New-IpcPipe -Duplex)", "IpcWrongKind", ErrorCategory.InvalidOperation, "pair of anonymous pipes")]
    [InlineData("1 | Send-IpcMessage (New-IpcPipe) -Type 3", "IpcNotSupported", ErrorCategory.InvalidOperation, "no message types")]
    [InlineData("1 | Send-IpcMessage (New-IpcPipe) -Type 0", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "1 or more")]
    [InlineData("1 | Send-IpcMessage (New-IpcPipe) -Priority 99999", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "32767")]
    [InlineData("$p = New-IpcPipe; Close-IpcObject $p.Reader; 1 | Send-IpcMessage $p", "IpcPeerClosed", ErrorCategory.ConnectionError,
        "last reader")]
    [InlineData("$p = New-IpcPipe; Close-IpcObject $p; 1 | Send-IpcMessage $p", "IpcClosed", ErrorCategory.InvalidOperation, "was closed")]
    [InlineData("'x' * 100000 | Send-IpcMessage (New-IpcPipe) -Timeout 0.01", "IpcTimeout", ErrorCategory.OperationTimeout, "buffer space")]
    [InlineData("'x' * 100000 | Send-IpcMessage (New-IpcPipe) -NoWait", "IpcFull", ErrorCategory.ResourceBusy, "buffer space")]
    [InlineData("\"a`nb\" | Send-IpcMessage (New-IpcPipe) -Format Text", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "line break")]
    [InlineData("Close-IpcObject fifo:x", "IpcInvalidOperation", ErrorCategory.InvalidOperation, "is an address")]
    [InlineData("Remove-IpcObject (New-IpcPipe)", "IpcNotSupported", ErrorCategory.InvalidOperation, "removed: it ends when")]
    [InlineData("Remove-IpcObject fifo:no-such-thing", "IpcNotFound", ErrorCategory.ObjectNotFound, "ENOENT")]
    public void What_is_wrong_has_an_id_a_category_and_a_text(string script, string id, ErrorCategory category, string text)
    {
        var error = _session.Run(script).Error();
        Assert.Equal(id, error.FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_time_out_after_part_of_a_count_gives_what_arrived()
    {
        var result = _session.Run("$p = New-IpcPipe; 1, 2 | Send-IpcMessage $p; Receive-IpcMessage $p -Count 3 -Timeout 0.05");
        Assert.Equal(["1", "2"], Unrolled(result));
        Assert.StartsWith("IpcTimeout", result.Error().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'waiting'; Receive-IpcMessage (New-IpcPipe)")]
    [InlineData("'waiting'; $p = New-IpcPipe; while ($true) { 'x' * 60000 | Send-IpcMessage $p }")]
    [InlineData("'waiting'; 1 | Send-IpcMessage (New-IpcPipe $args[0])")]
    [InlineData("'waiting'; Open-IpcObject fifo:not-there-yet -Wait")]
    [InlineData("'waiting'; Receive-IpcMessage (New-IpcPipe), (New-IpcPipe)")]
    public void Ctrl_C_ends_every_wait(string script)
    {
        using var running = _session.Start(script, _name);
        Assert.Equal("waiting", running.WaitForOutput()!.BaseObject);
        Assert.True(running.Stop().WasStopped);
    }

    [Fact]
    public void Of_several_channels_the_one_with_a_message_is_served_until_all_have_ended()
    {
        var result = _session.Run("""
            $a, $b = (New-IpcPipe), (New-IpcPipe)
            'from b' | Send-IpcMessage $b -Close
            Receive-IpcMessage $a, $b
            'from a' | Send-IpcMessage $a -Close
            Receive-IpcMessage $a, $b -All
            """);
        Assert.Equal(["from b", "from a"], Unrolled(result));
    }

    private static List<string?> Unrolled(SessionResult result) => [.. result.Values.Select(static v => v?.ToString())];
}
