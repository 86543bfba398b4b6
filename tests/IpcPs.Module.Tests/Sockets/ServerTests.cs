using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>Servers that die and come back, and clients that a server does not want.</summary>
public sealed class ServerTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly SocketPlace _place = new();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $server, $client");
        _session.Dispose();
        _place.Dispose();
    }

    [Theory]
    [InlineData("name")]
    [InlineData("seqpacket")]
    [InlineData("datagram")]
    public void A_killed_server_s_file_is_taken_over_and_a_live_one_s_is_not(string kind)
    {
        var address = _place.Address(kind);
        using (var first = Shell.Pwsh.Start($"$server = New-IpcSocket '{address}'; 'up'; Receive-IpcMessage $server"))
        {
            first.Expect("up");
            Assert.StartsWith("IpcAlreadyExists,", _session.Run("New-IpcSocket $args[0]", address).Error().FullyQualifiedErrorId,
                StringComparison.Ordinal);
            first.Signal(9);
            first.Finish();
        }
        Assert.StartsWith("IpcNoPeer,", _session.Run("Open-IpcObject $args[0]", address).Error().FullyQualifiedErrorId,
            StringComparison.Ordinal);
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]; $client = Open-IpcObject $args[0]
            'served again' | Send-IpcMessage $client
            Receive-IpcMessage $server -Timeout 60
            """, address);
        Assert.Equal("served again", result.Single());
    }

    [Theory]
    [InlineData("name")]
    [InlineData("abstract")]
    [InlineData("seqpacket")]
    [InlineData("abstract datagram")]
    public void A_client_waits_until_its_server_is_there(string kind)
    {
        var address = _place.Address(kind);
        using var client = _session.Start(
            """
            'begun'
            $client = Open-IpcObject $args[0] -Wait -Timeout 60
            'hello' | Send-IpcMessage $client
            Receive-IpcMessage $client -Timeout 60
            """, address);
        client.WaitForOutput();
        Shell.Pwsh.Run(
            $"""
            $message = Receive-IpcMessage ($server = New-IpcSocket '{address}') -Envelope -Timeout 60
            Send-IpcMessage -ReplyTo $message $message.SenderId
            """).Succeeded();
        Assert.Equal(["begun", Environment.ProcessId], client.Wait().NoErrors().Values);
    }

    [Theory]
    [InlineData("path")]
    [InlineData("seqpacket")]
    [InlineData("tcp")]
    public void A_client_that_loses_its_server_sees_the_end_of_what_was_sent(string kind)
    {
        var address = _place.Address(kind);
        using var server = Shell.Pwsh.Start($"""
            $server = New-IpcSocket '{address}'; $server.Address.Text
            $connection = Receive-IpcMessage $server -Connection
            1..1000 | Send-IpcMessage $connection
            'sent'
            $null = Receive-IpcMessage $server
            """);
        var where = server.ReadLine();
        using var client = _session.Start("$client = Open-IpcObject $args[0]; Receive-IpcMessage $client -All -Timeout 60", where);
        client.WaitForOutput(1000);
        server.Expect("sent");
        server.Signal(9);
        Assert.Equal(Enumerable.Range(1, 1000), client.Wait().NoErrors().Values.Cast<int>());
    }

    [NeedsTheory("root", "python3")]
    [InlineData("path")]
    [InlineData("seqpacket")]
    [InlineData("tcp")]
    [InlineData("abstract datagram")]
    [InlineData("udp")]
    public void Another_user_is_not_served_and_the_server_goes_on_with_a_warning(string kind)
    {
        File.SetUnixFileMode(_place.Folder, (UnixFileMode)0x1FF);
        var made = _session.Run(
            """
            $server = New-IpcSocket $args[0]
            if ($server.Address.Path) { chmod 666 $server.Address.Path }
            $server.Address.Text
            """, _place.Address(kind)).Single();
        using var receiving = _session.Start("Receive-IpcMessage $server -Count 1 -Timeout 60");
        using var intruder = SocketPlace.StartPython("""
            become(65534)
            s = reach(sys.argv[1])
            try: s.send(b'let me in\n')
            except OSError: pass    # Thrown out already.
            print('sent', flush=True)
            sys.stdin.read()
            """, (string)made!);
        intruder.Expect("sent");
        Shell.Pwsh.Run(
            $"""
            $client = Open-IpcObject '{made}'
            'from the same user' | Send-IpcMessage $client
            $null = [Console]::In.ReadLine()
            """).Succeeded();
        var result = receiving.Wait();
        Assert.Equal("from the same user", result.Single());
        Assert.Matches("^'.*' refused user \\w+.*: only the listener's user and its AllowedUsers are served\\. "
            + "New-IpcSocket -AllowUser names them\\.$", Assert.Single(result.Warnings));
        Assert.Equal(1L, _session.Run("$server.Refused").Single());
        intruder.Finish();
    }

    [NeedsTheory("root", "python3")]
    [InlineData("path", "nobody")]
    [InlineData("seqpacket", "65534")]
    [InlineData("tcp", "nobody")]
    [InlineData("abstract datagram", "nobody")]
    [InlineData("udp", "65534")]
    [InlineData("path", "*")]
    [InlineData("tcp", "*")]
    public void A_user_who_was_named_is_served_and_known(string kind, string allowed)
    {
        File.SetUnixFileMode(_place.Folder, (UnixFileMode)0x1FF);
        var made = _session.Run("$server = New-IpcSocket $args[0] -AllowUser $args[1]; $server.Address.Text", _place.Address(kind),
            allowed).Single();
        using var guest = SocketPlace.StartPython("""
            become(65534)
            s = reach(sys.argv[1])
            s.send(b'may I?\n')
            print(s.recv(100).decode().strip(), flush=True)
            """, (string)made!);
        var result = _session.Run(
            """
            $message = Receive-IpcMessage $server -Envelope -Timeout 60
            $message.Body.Trim()
            "$($message.SenderUser)"
            Send-IpcMessage -ReplyTo $message 'you may'
            """);
        Assert.Equal(["may I?", allowed == "*" && kind == "tcp" ? "" : "nobody"], result.NoErrors().Values);
        Assert.Empty(result.Warnings);
        guest.Expect("you may");
    }

    [Fact]
    public void Who_allows_others_where_they_can_t_come_is_warned()
    {
        var result = _session.Run("$server = New-IpcSocket $args[0] -AllowUser '*'", _place.Address("name")).NoErrors();
        Assert.Contains("the runtime folder is private to the current user", Assert.Single(result.Warnings), StringComparison.Ordinal);
    }

    [NeedsTheory("python3")]
    [InlineData("path")]
    [InlineData("tcp")]
    [InlineData("seqpacket")]
    public void Clients_that_misbehave_cost_nobody_else_anything(string kind)
    {
        var made = (string)_session.Run("$server = New-IpcSocket $args[0]; $server.Address.Text", _place.Address(kind)).Single()!;
        using var bad = SocketPlace.StartPython("""
            import struct
            marker = b'\xc1\x01\x00\x01'
            for bytes in (b'\xc1\x02', b'\xc1\x01\xff\x01' + b'\xff' * 30, marker + b'\xff\xff\xff\x7f',
                    marker + b'\x10\0\0\0half', marker + b'\x04\0\0\0\xff\xff\xff\xff'):
                s = reach(sys.argv[1])
                s.sendall(bytes)
                # Reset, where there is such a thing.
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.close()
            for n in range(50): reach(sys.argv[1]).close()
            print('done', flush=True)
            """, made);
        using var receiving = _session.Start(
            """
            foreach ($n in 1..2) { Receive-IpcMessage $server -Format Object -Timeout 60 -ErrorAction SilentlyContinue }
            while ($true) { Receive-IpcMessage $server -Timeout 60 }
            """);
        bad.Expect("done");
        Shell.Pwsh.Run($"'all is well' | Send-IpcMessage '{made}'").Succeeded();
        var n = 1;
        while (receiving.WaitForOutput(n)?.BaseObject as string != "all is well") n++;
        Assert.True(receiving.Stop().WasStopped);
        Assert.False((bool)_session.Run("$server.IsClosed").Single()!);
    }
}
