using IpcPs.Module.Tests.Sockets;
using Xunit;

namespace IpcPs.Module.Tests.Relays;

public sealed class RelayCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;

    public void Dispose()
    {
        _session.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Ctrl_C_ends_a_relay_and_leaves_the_channels_open()
    {
        _session.Run("$global:from, $global:to = (New-IpcPipe), (New-IpcRing $args[0])", $"relay-{Guid.NewGuid():N}").NoErrors();
        using (var running = _session.Start("Join-IpcChannel $from $to")) running.Stop();
        var values = _session.Run("""
            try {
                1 | Send-IpcMessage $from
                Receive-IpcMessage $from
                2 | Send-IpcMessage $to
                Receive-IpcMessage $to
            }
            finally { Close-IpcObject $from, $to }
            """).NoErrors().Values;
        Assert.Equal([1, 2], values);
    }

    [Fact]
    public void A_message_that_cannot_be_sent_on_is_an_error_with_the_message_s_reason()
    {
        var result = _session.Run("""
            $pipe, $queue = (New-IpcPipe), (New-IpcQueue $args[0] -MaxMessageSize 100)
            try {
                'x' * 1000 | Send-IpcMessage $pipe -Format Text
                'fits' | Send-IpcMessage $pipe -Format Text -Close
                (Join-IpcChannel $pipe $queue).Failed
                Receive-IpcMessage $queue
            }
            finally { Close-IpcObject $pipe, $queue; Remove-IpcObject "mq:/$($args[0])" }
            """, $"relay-{Guid.NewGuid():N}");
        Assert.Equal([1L, "fits"], result.Values);
        var error = Assert.Single(result.Errors);
        Assert.Equal("IpcMessageTooLarge,IpcPs.Module.Commands.Relays.JoinIpcChannelCommand", error.FullyQualifiedErrorId);
        Assert.Equal("LimitsExceeded", error.CategoryInfo.Category.ToString());
    }

    [NeedsFact("socat")]
    public void A_stream_of_socat_becomes_a_queue_of_objects()
    {
        var values = _session.Run("""
            $server = New-IpcSocket "unix:$($args[0])/s"
            $queue = New-IpcQueue -Kind SysV
            try {
                Start-Process sh "-c `"printf 'a\nb\n' | socat -u - UNIX-CONNECT:$($args[0])/s`""
                $client = Receive-IpcMessage $server -Connection -Timeout 60
                (Join-IpcChannel $client $queue -FromFormat Text -ToFormat Object).Messages
                Receive-IpcMessage $queue -Count 2
            }
            finally {
                Remove-IpcObject $queue
                Close-IpcObject $client, $server, $queue
            }
            """, _folder).NoErrors().Values;
        Assert.Equal([2L, "a", "b"], values);
    }
}
