using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Messaging;

/// <summary>What PowerShell's pipeline makes of messages: bytes one by one, several objects at once, and all that is there.</summary>
public sealed class PipedMessageTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"pipeline-{Environment.ProcessId}-{Guid.NewGuid():n}";

    public PipedMessageTests() => _session.Run("$global:q = New-IpcQueue $args[0]", _name).NoErrors();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $q; Remove-IpcObject $q -Confirm:$false");
        _session.Dispose();
    }

    [Fact]
    public void Piped_bytes_are_one_message()
    {
        var values = _session.Run("""
            [byte[]](65, 66, 67) | Send-IpcMessage $q -Format Bytes
            [byte]1, [byte]2, 'text', [byte]3, [byte[]](4, 5) | Send-IpcMessage $q -Format Bytes
            [byte[]](8, 9) | Send-IpcMessage $q -Format Bytes -NoWait
            Receive-IpcMessage $q -Format Bytes -All -NoWait | ForEach-Object { "$_" }
            [byte]7 | Send-IpcMessage $q
            (Receive-IpcMessage $q).GetType().Name
            """).NoErrors().Values;
        // Other formats have a message for each object: only bytes have no form of their own there.
        Assert.Equal(["65 66 67", "1 2", "116 101 120 116", "3", "4 5", "8 9", "Byte"], values);
    }

    [Fact]
    public void Piped_bytes_are_one_request()
    {
        using var other = new ModuleSession();
        var client = _session.Run("""
            $global:server = New-IpcSocket "unix:@$($args[0])"
            Open-IpcObject $server.Address
            """, _name).Single();
        using var asking = other.Start("[byte[]](1, 2, 3) | Invoke-IpcRequest $args[0] -Format Bytes -Timeout 60", client);
        var body = _session.Run("""
            try {
                $request = Receive-IpcMessage $server -Envelope -Timeout 60
                "$($request.Body)"
                'yes' | Send-IpcMessage -ReplyTo $request
            }
            finally { Close-IpcObject $server }
            """).Single();
        Assert.Equal("1 2 3", body);
        Assert.Equal("yes", asking.Wait().Single()?.ToString());
        ((IDisposable)client!).Dispose();
    }

    [Fact]
    public void All_without_waiting_drains()
    {
        var result = _session.Run("""
            1..3 | Send-IpcMessage $q
            $p = New-IpcPipe
            $server = New-IpcSocket "unix:@$($args[0])"
            try {
                Receive-IpcMessage $q -All -NoWait
                'none'; Receive-IpcMessage $q -All -NoWait
                4 | Send-IpcMessage $p.Writer
                'several'; Receive-IpcMessage $q, $p.Reader -All -NoWait
                'clients'; Receive-IpcMessage $server -Connection -All -NoWait
                'messages'; Receive-IpcMessage $server -All -NoWait
                $client = Open-IpcObject $server.Address
                'one'; (Receive-IpcMessage $server -Connection -All -NoWait).GetType().Name
            }
            finally { Close-IpcObject $p; Close-IpcObject $client; Close-IpcObject $server }
            """, _name).NoErrors();
        Assert.Equal([1, 2, 3, "none", "several", 4, "clients", "messages", "one", "StreamSocket"], result.Values);
        // Less than was asked for is still an error.
        Assert.StartsWith("IpcEmpty,", _session.Run("Receive-IpcMessage $q -Count 2 -NoWait").Error().FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Verbose_says_what_happens()
    {
        var verbose = _session.Run("""
            $address = "mq:/$($args[0])"
            1..3 | Send-IpcMessage $address -Verbose
            $null = Receive-IpcMessage $address -All -NoWait -Verbose
            Open-IpcObject $address -Wait -Verbose | Close-IpcObject
            $p = New-IpcPipe; $p.Writer.Dispose(); Receive-IpcMessage $p.Reader -Verbose; $p.Reader.Dispose()
            $job = Start-IpcJob { } -Verbose; $null = $job | Receive-Job -Wait
            $global:id = $job.ProcessId; $job | Remove-Job
            """, _name).NoErrors().Verbose;
        var queue = $"'mq:/{_name}'";
        Assert.Equal(
        [
            $"Opened {queue} (POSIX message queue) for this call.",
            $"Messages sent to {queue} as Object: 3, of 3 bytes in all.",
            $"Opened {queue} (POSIX message queue) for this call.",
            $"Messages received from {queue} (POSIX message queue): 3.",
            $"Waiting until {queue} exists.",
            $"Opened {queue} (POSIX message queue).",
        ], verbose.Take(6).Select(static v => v.Replace("mq:'", "mq:", StringComparison.Ordinal)));
        Assert.StartsWith("The sender of 'pipe:", verbose[6], StringComparison.Ordinal);
        Assert.Equal($"Started process {_session.Get("id")} for the job ", verbose[^1][..verbose[^1].IndexOf('\'')]);
    }

    [Fact]
    public void One_property_gives_the_addresses_of_several_objects()
    {
        var texts = _session.Run("""
            $p = New-IpcPipe -Path "/tmp/$($args[0])"
            try {
                ($q, $p).AddressText
                (Get-IpcObject "*$($args[0])*" -WarningAction Ignore).AddressText | Sort-Object
            }
            finally { Remove-IpcObject $p -Confirm:$false }
            """, _name).NoErrors().Values;
        Assert.Equal([$"mq:/{_name}", $"fifo:/tmp/{_name}", $"fifo:/tmp/{_name}", $"mq:/{_name}"], texts);
    }

    [Fact]
    public void A_question_mark_that_PowerShell_took_into_a_variable_is_noticed()
    {
        var error = _session.Run("""$name = 'x'; New-IpcSocket "unix:$name?type=datagram" """).Error();
        Assert.StartsWith("IpcInvalidAddress,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(System.Management.Automation.ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
        Assert.Equal("'unix:=datagram' ends with '=datagram', which is what is left of '?type=datagram' when the text before it was lost.",
            error.Exception.Message);
        Assert.Contains("\"unix:${name}?type=datagram\"", error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }
}
