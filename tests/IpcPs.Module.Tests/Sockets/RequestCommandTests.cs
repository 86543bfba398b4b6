using System.Management.Automation;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>Invoke-IpcRequest and the server that answers it.</summary>
public sealed class RequestCommandTests : IDisposable
{
    // Replies until a request asks it to stop.
    private const string Doubler = """
        $server = New-IpcSocket 'ADDRESS'
        $server.Address.Text
        Receive-IpcMessage $server -All -Envelope | ForEach-Object { Send-IpcMessage -ReplyTo $_ ($_.Body * 2) }
        """;

    private readonly ModuleSession _session = new();
    private readonly SocketPlace _place = new();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $client, $server");
        _session.Dispose();
        _place.Dispose();
    }

    [Theory]
    [InlineData("name")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void A_request_gets_its_reply_from_another_process(string kind)
    {
        using var server = Serve(Doubler, kind, out var address);
        var result = _session.Run(
            """
            $client = Open-IpcObject $args[0]
            21, 'ab', 1.5 | Invoke-IpcRequest $client -Timeout 60
            Invoke-IpcRequest $args[0] 4 -Timeout 60
            """, address);
        Assert.Equal([42, "abab", 3.0, 8], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("path")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    [InlineData("tcp")]
    public void Requests_in_flight_on_one_connection_get_each_their_own_reply(string kind)
    {
        using var server = Serve("""
            $server = New-IpcSocket 'ADDRESS'
            $server.Address.Text
            # All of them first; then answers from the last to the first, and something else in between.
            $questions = Receive-IpcMessage $server -Count 5 -Envelope
            'no reply' | Send-IpcMessage $questions[0].Channel
            foreach ($n in 4..0) { Send-IpcMessage -ReplyTo $questions[$n] "$($questions[$n].Body) answered" }
            $null = Receive-IpcMessage $server
            """, kind, out var address);
        _session.Set("manifest", Build.Manifest);
        var result = _session.Run(
            """
            $client = Open-IpcObject $args[0]
            1..5 | ForEach-Object -Parallel { Import-Module $using:manifest; "$_ $(Invoke-IpcRequest $using:client $_ -Timeout 60)" }
            Receive-IpcMessage $client -Timeout 60
            """, address);
        Assert.Equal(["1 1 answered", "2 2 answered", "3 3 answered", "4 4 answered", "5 5 answered", "no reply"],
            result.NoErrors().Values.Order());
    }

    [Fact]
    public void The_reply_has_an_envelope_too()
    {
        using var server = Serve(Doubler, "path", out var address);
        var result = _session.Run(
            """
            $reply = Invoke-IpcRequest $args[0] 4 -Envelope -Timeout 60
            $reply.Body
            $reply.SenderId
            $reply.IsReply
            $reply.SenderUser
            """, address);
        Assert.Equal([8, server.Id, true, Environment.UserName], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("-Format Text", "", "-Format Text", "answer 7")]
    [InlineData("-Format Json", "-Format Json", "-Format Text", "{\"A\":7}")]
    [InlineData("-Format Bytes", "-Format Bytes", "-Format Text", "answer 7")]
    [InlineData("-Format Object", "", "-Format Object", "answer 7")]
    public void A_message_is_answered_in_the_format_that_it_came_in(string send, string receive, string back, string expected)
    {
        var result = _session.Run($$"""
            $server = New-IpcSocket $args[0]; $client = Open-IpcObject $server.Address
            Send-IpcMessage $client 'ask' {{send}}
            $message = Receive-IpcMessage $server -Envelope -Timeout 60 {{receive}}
            "$($message.Body)" -eq 'ask' -or [Text.Encoding]::UTF8.GetString($message.Body) -eq 'ask'
            Send-IpcMessage -ReplyTo $message {{(send == "-Format Json" ? "([pscustomobject]@{ A = 7 })" : "'answer 7'")}}
            Receive-IpcMessage $client {{back}} -Timeout 60
            """, _place.Address("seqpacket"));
        Assert.Equal([true, expected], result.NoErrors().Values);
    }

    [Fact]
    public void What_a_request_failed_by_is_its_error_and_the_next_one_is_asked()
    {
        using var server = Serve("""
            $server = New-IpcSocket 'ADDRESS'
            $server.Address.Text
            # Answers the second of three.
            Receive-IpcMessage $server -All -Envelope | ForEach-Object { if ($_.Body -eq 2) { Send-IpcMessage -ReplyTo $_ 'two' } }
            """, "seqpacket", out var address);
        var result = _session.Run(
            """
            $client = Open-IpcObject $args[0]
            1 | Invoke-IpcRequest $client -Timeout 0.05
            2 | Invoke-IpcRequest $client -Timeout 60
            3 | Invoke-IpcRequest $client -Timeout 0.05
            """, address);
        Assert.Equal(["two"], result.Values);
        Assert.Equal(["IpcTimeout", "IpcTimeout"], result.Errors.Select(static e => e.FullyQualifiedErrorId.Split(',')[0]));
        Assert.All(result.Errors, static e => Assert.Equal(ErrorCategory.OperationTimeout, e.CategoryInfo.Category));
    }

    [Fact]
    public void A_server_that_is_killed_ends_the_requests_that_wait()
    {
        using var server = Serve(
            """
            $server = New-IpcSocket 'ADDRESS'
            $server.Address.Text
            Receive-IpcMessage $server
            'asked'
            Receive-IpcMessage $server
            """, "path", out var address);
        using var asking = _session.Start("$client = Open-IpcObject $args[0]; Invoke-IpcRequest $client 'are you there?' -Timeout 60",
            address);
        server.Expect("asked");
        server.Signal(9);
        var error = asking.Wait().Error();
        Assert.StartsWith("IpcPeerClosed,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.ConnectionError, error.CategoryInfo.Category);
    }

    [Fact]
    public void A_duplex_pipe_takes_requests_too()
    {
        var result = _session.Run(
            """
            $client = New-IpcPipe -Duplex
            $job = Start-IpcJob -Handle $client.Far {
                $question = Receive-IpcMessage $IpcHandles[0] -Envelope -Timeout 60
                Send-IpcMessage -ReplyTo $question ($question.Body + 1)
            }
            Invoke-IpcRequest $client.Near 41 -Timeout 60
            Receive-Job $job -Wait -AutoRemoveJob
            """);
        Assert.Equal(42, result.Single());
    }

    private ShellProcess Serve(string script, string kind, out string address)
    {
        var server = Shell.Pwsh.Start(script.Replace("ADDRESS", _place.Address(kind), StringComparison.Ordinal));
        address = server.ReadLine() ?? throw new InvalidOperationException($"The server did not start: {server.Finish()}");
        return server;
    }
}
