using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>Open descriptors that go over a socket with a message, and those that a process is started with.</summary>
public sealed class HandleCommandTests : IDisposable
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
    [InlineData("path")]
    [InlineData("seqpacket")]
    [InlineData("abstract datagram")]
    public void A_pipe_s_end_and_a_file_are_live_objects_in_another_process(string kind)
    {
        var file = Path.Combine(_place.Folder, "file");
        File.WriteAllText(file, "from the file");
        _session.Run("$server = New-IpcSocket $args[0]", _place.Address(kind)).NoErrors();
        using var child = Shell.Pwsh.Start($$"""
            $client = Open-IpcObject '{{_place.Address(kind)}}'
            $pipe = New-IpcPipe
            $file = [IO.File]::OpenRead('{{file}}')
            'a pipe and a file' | Send-IpcMessage $client -Handle $pipe.Writer, $file
            Receive-IpcMessage $pipe -Timeout 60
            $pipe.Writer | Close-IpcObject
            # The other end is held by who received it.
            Receive-IpcMessage $pipe.Reader -All -Timeout 60
            """);
        var result = _session.Run(
            """
            $message = Receive-IpcMessage $server -Envelope -Timeout 60
            $pipe, $file = $message.Handles
            $message.Body
            $pipe.Kind; $pipe.CanSend; $pipe.CanReceive
            [IO.StreamReader]::new($file).ReadToEnd()
            'through the pipe', 'and its end' | Send-IpcMessage $pipe
            Close-IpcObject $pipe; $file.Dispose()
            """);
        Assert.Equal(["a pipe and a file", "anonymous pipe", true, false, "from the file"], result.NoErrors().Values);
        Assert.Equal(["through the pipe", "and its end"], child.Finish().Succeeded().Lines);
    }

    [Fact]
    public void Every_object_that_is_a_descriptor_can_be_handed_over()
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket $args[0]; $client = Open-IpcObject $server.Address
            $memory = New-IpcSharedMemory -Size 4096; $queue = New-IpcQueue; $other = New-IpcSocket tcp:127.0.0.1:0
            1 | Send-IpcMessage $client -Handle $memory, $queue, $other, $client
            (Receive-IpcMessage $server -Envelope -Timeout 60).Handles | ForEach-Object {
                $_.GetType().Name
                if ($_ -is [IDisposable]) { $_.Dispose() }
            }
            # Without -Envelope they are nobody's, and closed.
            2 | Send-IpcMessage $client -Handle $memory
            Receive-IpcMessage $server -Timeout 60
            Remove-IpcObject $queue; Close-IpcObject $memory, $other
            """, _place.Address("path"));
        Assert.Equal(["AnonymousMemory", "PosixQueue", "SocketListener", "StreamSocket", 2], result.NoErrors().Values);
    }

    [Fact]
    public void A_request_and_its_reply_carry_descriptors()
    {
        using var server = Shell.Pwsh.Start($$"""
            $server = New-IpcSocket '{{_place.Address("path")}}'; 'up'
            $question = Receive-IpcMessage $server -Envelope -Timeout 60
            $memory = New-IpcSharedMemory -Size 64
            Write-IpcSharedMemory $memory (Receive-IpcMessage $question.Handles[0] -Timeout 60)
            Send-IpcMessage -ReplyTo $question 'here it is' -Handle $memory
            """);
        server.Expect("up");
        var result = _session.Run(
            """
            $pipe = New-IpcPipe; 'in shared memory' | Send-IpcMessage $pipe
            $reply = Invoke-IpcRequest $args[0] 'put it there' -Handle $pipe.Reader -Envelope -Timeout 60
            $reply.Body; Read-IpcSharedMemory $reply.Handles[0] -As String
            Close-IpcObject $pipe, $reply.Handles[0]
            """, _place.Address("path"));
        Assert.Equal(["here it is", "in shared memory"], result.NoErrors().Values);
        server.Finish().Succeeded();
    }

    [Theory]
    [InlineData("-Handle 'text'", "IpcInvalidArgument", "A String has no descriptor that could be passed on.")]
    [InlineData("-Handle $pipe", "IpcNotSupported", "has no single descriptor that could be passed on.")]
    [InlineData("-Handle @($pipe.Reader) * 254", "IpcInvalidArgument", "A message carries up to 253 descriptors, not 254.")]
    [InlineData("-Handle $pipe.Reader", "IpcNotSupported", "does not carry descriptors: only unix sockets do.", "tcp")]
    [InlineData("-Handle $pipe.Reader", "IpcNotSupported", "does not carry descriptors: only unix sockets do.", "udp")]
    [InlineData("-Handle $pipe.Reader", "IpcNotSupported", "carry", "pipe")]
    [InlineData("-Handle $pipe.Reader", "IpcNotSupported", "carry", "queue")]
    [InlineData("-Handle $pipe.Reader", "IpcNotSupported", "carry", "sysv")]
    public void What_can_t_be_handed_over_is_an_error(string option, string id, string text, string kind = "path")
    {
        var make = kind switch
        {
            "pipe" => "$client = New-IpcPipe",
            "queue" => "$client = New-IpcQueue",
            "sysv" => "$client = New-IpcQueue -Kind SysV",
            _ => "$server = New-IpcSocket $args[0]; $client = Open-IpcObject $server.Address",
        };
        option = option.Contains('*', StringComparison.Ordinal) ? "-Handle (" + option[8..] + ")" : option;
        var result = _session.Run(
            $$"""
            {{make}}
            $pipe = New-IpcPipe
            'x' | Send-IpcMessage $client {{option}}
            Close-IpcObject $pipe
            if ($client.Kind -like '*queue') { Remove-IpcObject $client }
            """, kind is "pipe" or "queue" or "sysv" ? "" : _place.Address(kind));
        var error = result.Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }

    [NeedsFact("python3")]
    public void A_python_script_passes_a_file_and_takes_one()
    {
        _session.Run("$server = New-IpcSocket $args[0]", _place.Address("path")).NoErrors();
        var path = Path.Combine(_place.Folder, "log");
        using var peer = SocketPlace.StartPython("""
            s = reach(sys.argv[1])
            with open(sys.argv[2], 'w+') as log:
                socket.send_fds(s, [b'write here\n'], [log.fileno()])
                _, fds, _, _ = socket.recv_fds(s, 100, 1)
                log.seek(0)
                print(log.read() + os.read(fds[0], 100).decode(), flush=True)
            """, _place.Address("path"), path);
        var result = _session.Run(
            """
            $message = Receive-IpcMessage $server -Envelope -Timeout 60
            $message.Body; $message.Handles[0].GetType().Name
            $writer = [IO.StreamWriter]::new($message.Handles[0]); $writer.Write('written by us, '); $writer.Dispose()
            $pipe = New-IpcPipe; 'read by it' | Send-IpcMessage $pipe -Format Text
            Send-IpcMessage -ReplyTo $message 'x' -Handle $pipe.Reader
            Close-IpcObject $pipe
            """);
        Assert.Equal(["write here", "FileStream"], result.NoErrors().Values);
        peer.Expect("written by us, read by it");
    }

    [NeedsFact("python3")]
    public void Sockets_of_a_service_manager_are_taken_over()
    {
        var name = _place.Address("abstract")[6..];
        // What systemd does: sockets from descriptor 3 on, and who they are for.
        using var manager = SocketPlace.StartPython("""
            a = socket.socket(socket.AF_UNIX); a.bind('\0' + sys.argv[1]); a.listen()
            b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.bind(('127.0.0.1', 0))
            print(b.getsockname()[1], flush=True)
            import fcntl
            c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.bind('\0' + sys.argv[1] + '-d')
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'early', '\0' + sys.argv[1] + '-d')
            high = [fcntl.fcntl(s, fcntl.F_DUPFD, 20) for s in (a, b, c)]
            for n in range(3): os.dup2(high[n], 3 + n)
            os.environ.update(LISTEN_PID='1', LISTEN_FDS='3')
            os.execv(sys.argv[2], sys.argv[2:])
            """, [name, Shell.Pwsh.Path, .. Shell.ScriptArguments("""
            New-IpcSocket -Activated -WarningVariable forAnother -WarningAction SilentlyContinue
            "$forAnother".Replace("$PID", 'PID')
            $env:LISTEN_PID = $PID
            $sockets = New-IpcSocket -Activated
            Receive-IpcMessage $sockets[2] -NoWait -ErrorAction Ignore -WarningVariable early -WarningAction SilentlyContinue
            "$early"
            $sockets = $sockets[0, 1]
            foreach ($socket in $sockets) { $socket.Kind; $socket.Address.Text }
            (New-IpcSocket -Activated) -eq $null
            Receive-IpcMessage $sockets -Count 2 -Envelope -Timeout 60 |
                ForEach-Object { Send-IpcMessage -ReplyTo $_ "activated by $($_.Body)" }
            """)]);
        var port = manager.ReadLine();
        Assert.Equal("LISTEN_FDS says that 3 sockets were passed, but to process 1 (LISTEN_PID), and this is process PID. A program that "
            + "starts this one as its child, such as a shell script, must start it with exec.", manager.ReadLine());
        var early = manager.ReadLine();
        Assert.StartsWith($"'unix:@{name}-d?type=datagram' refused ", early, StringComparison.Ordinal);
        Assert.EndsWith("It was sent before this process asked the kernel for the sender of each message. If the socket is a service "
            + "manager's, let that ask: PassCredentials=yes in the [Socket] section of its unit. New-IpcSocket -AllowUser names them.",
            early, StringComparison.Ordinal);
        Assert.Equal(["unix stream listener", $"unix:@{name}", "UDP listener", $"udp:127.0.0.1:{port}", "True"],
            Enumerable.Range(0, 5).Select(_ => manager.ReadLine()));
        var result = _session.Run(
            """
            'unix' | Invoke-IpcRequest "unix:@$($args[0])" -Timeout 60
            'udp' | Invoke-IpcRequest "udp:127.0.0.1:$($args[1])" -Timeout 60
            """, name, port);
        Assert.Equal(["activated by unix", "activated by udp"], result.NoErrors().Values);
        manager.Finish().Succeeded();
    }

    [NeedsFact("python3")]
    public void An_inherited_socket_is_opened_by_its_number()
    {
        using var parent = SocketPlace.StartPython("""
            import subprocess
            for type in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
                ours, theirs = socket.socketpair(socket.AF_UNIX, type)
                child = subprocess.Popen(sys.argv[1:], pass_fds=[theirs.fileno()], env=dict(os.environ, FD=str(theirs.fileno())))
                theirs.close()
                ours.send(b'hello\n')
                print(ours.recv(100).decode().strip(), flush=True)
                assert child.wait() == 0
            """, [Shell.Pwsh.Path, .. Shell.ScriptArguments("""
            $socket = Open-IpcObject "fd:$env:FD"
            "$((Receive-IpcMessage $socket -Timeout 60).Trim()) to you, by a $($socket.Kind)" | Send-IpcMessage $socket -Format Text
            """)]);
        foreach (var kind in new[] { "stream", "seqpacket", "datagram" }) parent.Expect($"hello to you, by a unix {kind} socket");
        parent.Finish().Succeeded();
    }
}
