using System.Management.Automation;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>New-IpcSocket, and what the message commands do with listeners and connections of every kind.</summary>
public sealed class SocketCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly SocketPlace _place = new();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $server");
        _session.Dispose();
        _place.Dispose();
    }

    [Theory]
    [MemberData(nameof(SocketPlace.All), MemberType = typeof(SocketPlace))]
    public void Objects_arrive_as_what_they_were_and_answers_go_back_to_their_sender(string kind)
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]
            $client = Open-IpcObject $server.Address.Text -Timeout 60
            1, 'two', [datetime]'2026-01-02', ([pscustomobject]@{ K = 3 }) | Send-IpcMessage $client
            $messages = Receive-IpcMessage $server -Count 4 -Envelope -Timeout 60
            $messages[0].Body, $messages[1].Body, $messages[2].Body, $messages[3].Body.K
            foreach ($message in $messages) { Send-IpcMessage -ReplyTo $message "answer to $($message.Body.GetType().Name)" }
            Receive-IpcMessage $client -Count 4 -Timeout 60
            Close-IpcObject $client
            """, _place.Address(kind));
        Assert.Equal([1, "two", new DateTime(2026, 1, 2), 3, "answer to Int32", "answer to String", "answer to DateTime",
            "answer to PSCustomObject"], result.NoErrors().Values);
        var message = ((object[])_session.Get("messages")!).Select(static m => (IpcMessage)((PSObject)m).BaseObject).First();
        Assert.Equal(kind.StartsWith("tcp", StringComparison.Ordinal) || kind.StartsWith("udp", StringComparison.Ordinal) ? null
            : Environment.ProcessId, message.SenderId);
        Assert.Equal(Environment.UserName, message.SenderUser);
        // A bare name is a unix socket in the runtime folder, and an address can be opened again by its text.
        Assert.Empty(result.Warnings);
    }

    [Fact]
    public void A_bare_name_is_in_the_runtime_folder_and_its_file_goes_with_the_listener()
    {
        var name = _place.Address("name")[5..];
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0] -Type SeqPacket -Mode 640 -Backlog 7
            $server.Address.Text
            $server.Backlog
            $server.Kind
            """, name);
        Assert.Equal([$"unix:{name}?type=seqpacket", 7, "unix seqpacket listener"], result.NoErrors().Values);
        var file = Path.Combine(RuntimeFolder.Path, name);
        Assert.Equal((UnixFileMode)0x1A0, File.GetUnixFileMode(file));
        _session.Run("Close-IpcObject $server").NoErrors();
        Assert.False(Path.Exists(file));
    }

    [Theory]
    [InlineData("path")]
    [InlineData("seqpacket")]
    [InlineData("tcp")]
    public void One_waiting_receive_takes_the_messages_of_many_clients(string kind)
    {
        _session.Set("server", _session.Run("New-IpcSocket $args[0]", _place.Address(kind)).Single());
        var address = ((SocketListener)_session.Get("server")!).Address.Text;
        using var receiving = _session.Start("Receive-IpcMessage $server -All");
        using var child = Shell.Pwsh.Start($$"""
            $clients = 1..10 | ForEach-Object { Open-IpcObject '{{address}}' }
            foreach ($number in 1..20) { foreach ($client in 0..9) { "$client/$number" | Send-IpcMessage $clients[$client] } }
            'sent'
            $null = [Console]::In.ReadLine()
            """);
        receiving.WaitForOutput(200);
        child.Finish().Succeeded();
        // The clients have left. Their end is not the listener's.
        Shell.Pwsh.Run($"'one more' | Send-IpcMessage '{address}'").Succeeded();
        Assert.Equal("one more", receiving.WaitForOutput(201)!.BaseObject);
        var texts = receiving.Stop().Values.Cast<string>().ToList();
        Assert.Equal(201, texts.Count);
        for (var client = 0; client < 10; client++)
            Assert.Equal(Enumerable.Range(1, 20).Select(n => $"{client}/{n}"),
                texts.Where(t => t.StartsWith($"{client}/", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(SocketPlace.Connected), MemberType = typeof(SocketPlace))]
    public void Connections_are_handed_out_one_by_one(string kind)
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]
            Receive-IpcMessage $server -Connection -NoWait
            Receive-IpcMessage $server -Connection -Timeout 0.01
            $clients = 1..3 | ForEach-Object { Open-IpcObject $server.Address; }
            $connections = Receive-IpcMessage $server -Connection -Count 3 -Timeout 60
            # Which is whose, only they can tell.
            foreach ($n in 0..2) { "to $n" | Send-IpcMessage $clients[$n]; }
            $order = foreach ($connection in $connections) { [int](Receive-IpcMessage $connection -Timeout 60).Substring(3) }
            foreach ($n in 0..2) { $order[$n] | Send-IpcMessage $connections[$n] -Close }
            foreach ($n in 0..2) { Receive-IpcMessage $clients[$n] -All -Timeout 60 }
            $server.Clients
            if ($connections[0].PeerUser -ne [Environment]::UserName) { 'whose?' }
            "$($connections[0].PeerProcessId)"
            Close-IpcObject $clients, $connections
            """, _place.Address(kind));
        Assert.Equal([0, 1, 2, 0, kind.StartsWith("tcp", StringComparison.Ordinal) ? "" : $"{Environment.ProcessId}"], result.Values);
        Assert.Equal(["IpcEmpty", "IpcTimeout"], result.Errors.Select(static e => e.FullyQualifiedErrorId.Split(',')[0]));
    }

    [Fact]
    public void Sending_by_address_is_a_connection_for_each_call_and_its_end_is_seen()
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]
            1..3 | Send-IpcMessage $server.Address.Text
            $one = Receive-IpcMessage $server -Connection -Timeout 60
            Receive-IpcMessage $one -All -Timeout 60
            Close-IpcObject $one
            """, _place.Address("path"));
        Assert.Equal([1, 2, 3], result.NoErrors().Values);
    }

    [Theory]
    [InlineData("udp")]
    [InlineData("datagram")]
    public void A_datagram_is_received_though_its_sender_has_closed_or_ended_by_then(string kind)
    {
        var address = (string)_session.Run(
            """
            $server = New-IpcSocket $args[0]
            $server.Address.Text
            1..3 | Send-IpcMessage $server.Address.Text
            """, _place.Address(kind)).Single()!;
        Shell.Pwsh.Run($"4 | Send-IpcMessage '{address}'").Succeeded();
        var result = _session.Run("Receive-IpcMessage $server -Count 4 -Timeout 60 -Envelope | ForEach-Object { $_.Body; $_.SenderUser }");
        var me = Environment.UserName;
        Assert.Equal([1, me, 2, me, 3, me, 4, me], result.NoErrors().Values);
        Assert.Empty(result.Warnings);
    }

    [Theory]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    public void A_full_packet_socket_makes_senders_wait_and_loses_nothing(string kind)
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]
            $client = Open-IpcObject $server.Address
            $sent = 0
            try { while ($true) { "$sent" | Send-IpcMessage $client -NoWait -ErrorAction Stop; $sent++ } }
            catch { "$($_.FullyQualifiedErrorId)" }
            'too long' | Send-IpcMessage $client -Timeout 0.05
            $got = @(Receive-IpcMessage $server -Count $sent -Timeout 60)
            $got.Count -eq $sent -and $got[-1] -eq "$($sent - 1)"
            Receive-IpcMessage $server -NoWait
            Close-IpcObject $client
            """, _place.Address(kind));
        Assert.Equal(["IpcFull,IpcPs.Module.Commands.Messaging.SendIpcMessageCommand", true], result.Values);
        // With -ErrorAction Stop the first of these was caught, so it is not one of the errors here.
        var ids = result.Errors.Select(static e => e.FullyQualifiedErrorId.Split(',')[0]);
        Assert.Equal(["IpcTimeout", "IpcEmpty"], ids.Where(static id => id != "IpcFull"));
    }

    [Theory]
    [InlineData("seqpacket", "SO_SNDBUF", "net.core.wmem_max")]
    [InlineData("datagram", "SO_SNDBUF", "net.core.wmem_max")]
    [InlineData("udp", "larger than the 65507 bytes that a UDP datagram can have", "Use 'tcp:' or 'unix:'")]
    public void A_packet_too_long_is_refused_with_its_limit_and_an_object_goes_by_shared_memory(string kind, string text, string advice)
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]
            $client = Open-IpcObject $server.Address
            'x' * 10MB | Send-IpcMessage $client -Format Text
            'y' * 10MB | Send-IpcMessage $client
            (Receive-IpcMessage $server -Timeout 60).Length
            Close-IpcObject $client
            """, _place.Address(kind));
        var error = result.Error();
        Assert.StartsWith("IpcMessageTooLarge,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.LimitsExceeded, error.CategoryInfo.Category);
        Assert.Contains("A message of 10485760 bytes is larger than", error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
        Assert.Contains(advice, error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        Assert.Equal([10 * 1024 * 1024], result.Values);
    }

    [Theory]
    [InlineData("path")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    [InlineData("tcp")]
    [InlineData("udp")]
    public void Stopping_ends_a_receive_an_accept_and_a_request_that_wait(string kind)
    {
        _session.Run("$server = New-IpcSocket $args[0]; $client = Open-IpcObject $server.Address", _place.Address(kind)).NoErrors();
        var waits = new List<string> { "Receive-IpcMessage $server -All", "Receive-IpcMessage $client", "Invoke-IpcRequest $client 1" };
        if (!SocketPlace.IsDatagram(kind)) waits.Add("Receive-IpcMessage $server -Connection -Count 9");
        foreach (var wait in waits)
        {
            using var waiting = _session.Start("'begun'; " + wait);
            waiting.WaitForOutput();
            Assert.True(waiting.Stop().WasStopped);
        }
        _session.Run("Close-IpcObject $client").NoErrors();
    }

    [Theory]
    [InlineData("path")]
    [InlineData("abstract seqpacket")]
    [InlineData("tcp")]
    public void Who_waits_on_a_listener_that_is_closed_is_told(string kind)
    {
        var server = _session.Run("($server = New-IpcSocket $args[0])", _place.Address(kind)).Single();
        using var receiving = _session.Start("'begun'; Receive-IpcMessage $server -All");
        receiving.WaitForOutput();
        using (var other = new ModuleSession()) other.Run("Close-IpcObject $args[0]", server).NoErrors();
        Assert.StartsWith("IpcClosed,", receiving.Wait().Error().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_channels_are_waited_for_together_a_listener_among_them()
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]; $other = New-IpcSocket $args[1]; $pipe = New-IpcPipe
            'by a connection' | Send-IpcMessage $server.Address
            'by udp' | Send-IpcMessage ($client = Open-IpcObject $other.Address)
            'by a pipe' | Send-IpcMessage $pipe
            Receive-IpcMessage $server, $other, $pipe -Count 3 -Timeout 60 | ForEach-Object { $_ }
            Close-IpcObject $other, $pipe, $client
            """, _place.Address("path"), _place.Address("udp"));
        Assert.Equal(["by a connection", "by a pipe", "by udp"], result.NoErrors().Values.Order());
    }
}
