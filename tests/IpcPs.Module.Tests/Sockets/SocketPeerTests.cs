using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>Programs that know nothing of IpcPs at the other end.</summary>
public sealed class SocketPeerTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly SocketPlace _place = new();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $server, $client");
        _session.Dispose();
        _place.Dispose();
    }

    [NeedsTheory("python3")]
    [MemberData(nameof(SocketPlace.All), MemberType = typeof(SocketPlace))]
    public void A_python_client_sends_lines_and_json_and_reads_answers(string kind)
    {
        var address = (string)_session.Run("$server = New-IpcSocket $args[0]; $server.Address.Text", _place.Address(kind)).Single()!;
        using var peer = SocketPlace.StartPython("""
            import json
            s = reach(sys.argv[1])
            s.send('grüß dich\n'.encode())
            print(s.recv(1000).decode().strip(), flush=True)
            s.send(json.dumps({'numbers': [1, 2.5, None], 'text': 'ä'}).encode() + b'\n')
            print(json.loads(s.recv(1000))['sum'], flush=True)
            s.send(b'\xff\x00\xfe')
            print(s.recv(1000).decode().strip(), flush=True)
            """, address);
        var result = _session.Run(
            """
            $message = Receive-IpcMessage $server -Envelope -Timeout 60
            $message.Body.Trim(); "$($message.SenderId)"; $message.SenderUser
            Send-IpcMessage -ReplyTo $message 'grüß zurück'
            $message = Receive-IpcMessage $server -Format Json -Envelope -Timeout 60
            $message.Body.text; $message.Body.numbers.Count
            Send-IpcMessage -ReplyTo $message @{ sum = $message.Body.numbers[0] + $message.Body.numbers[1] } -Format Json
            $message = Receive-IpcMessage $server -Format Bytes -Envelope -Timeout 60
            $message.Body
            Send-IpcMessage -ReplyTo $message 'all' -Format Text
            """);
        var internet = kind.StartsWith("tcp", StringComparison.Ordinal) || kind.StartsWith("udp", StringComparison.Ordinal);
        Assert.Equal(["grüß dich", internet ? "" : $"{peer.Id}", Environment.UserName, "ä", 3, (byte)255, (byte)0, (byte)254],
            result.NoErrors().Values);
        foreach (var line in new[] { "grüß zurück", "3.5", "all" }) peer.Expect(line);
        peer.Finish().Succeeded();
    }

    [NeedsTheory("python3")]
    [InlineData("path", "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])")]
    [InlineData("seqpacket", "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1])")]
    [InlineData("tcp", "s = socket.socket(); s.bind(('127.0.0.1', 0))")]
    public void A_python_server_is_talked_to_like_any_other(string kind, string make)
    {
        using var peer = SocketPlace.StartPython(make + """

            s.listen()
            print(s.getsockname()[1] if s.family == socket.AF_INET else '', flush=True)
            c, _ = s.accept()
            got = c.recv(1000) if s.type == socket.SOCK_SEQPACKET else c.makefile('rb').readline()
            c.sendall(got.upper())
            """, _place.Address(kind)[5..].Split('?')[0]);
        var port = peer.ReadLine();
        var result = _session.Run(
            """
            $client = Open-IpcObject $args[0] -Timeout 60
            'shout' | Send-IpcMessage $client -Format Text
            Receive-IpcMessage $client -All -Timeout 60
            "$($client.PeerProcessId)"
            """, kind == "tcp" ? $"tcp:127.0.0.1:{port}" : _place.Address(kind));
        Assert.Equal(["SHOUT", kind == "tcp" ? "" : $"{peer.Id}"], result.NoErrors().Values);
    }

    [NeedsTheory("socat")]
    [InlineData("path", "UNIX-CONNECT:{0}")]
    [InlineData("abstract", "ABSTRACT-CONNECT:{0}")]
    [InlineData("tcp", "TCP:{0}")]
    public void Socat_is_a_client(string kind, string target)
    {
        var address = (string)_session.Run("$server = New-IpcSocket $args[0]; $server.Address.Text", _place.Address(kind)).Single()!;
        using var peer = SocketPlace.Socat!.StartArguments(["-t60", "-",
            string.Format(System.Globalization.CultureInfo.InvariantCulture, target, address.Split(':', 2)[1].TrimStart('@'))]);
        peer.Input.Write("one\ntwo\nlast, without an end");
        using var serving = _session.Start(
            """
            foreach ($n in 1..3) {
                $message = Receive-IpcMessage $server -Envelope -Timeout 60
                $message.Body
                Send-IpcMessage -ReplyTo $message "$n. $($message.Body)"
            }
            Close-IpcObject $message.Channel
            """);
        serving.WaitForOutput(2);
        var answers = peer.Finish().Succeeded().Lines;
        Assert.Equal(["one", "two", "last, without an end"], serving.Wait().NoErrors().Values);
        Assert.Equal(["1. one", "2. two", "3. last, without an end"], answers);
    }

    [NeedsFact("python3")]
    public void The_handbook_s_python_client_asks_in_json()
    {
        _session.Run("$server = New-IpcSocket $args[0]", _place.Address("path")).NoErrors();
        using var serving = _session.Start(
            """
            foreach ($n in 1..2) {
                $message = Receive-IpcMessage $server -Envelope -Format Json -Timeout 60
                Send-IpcMessage -ReplyTo $message @{ root = [Math]::Sqrt($message.Body.number) }
            }
            """);
        var answers = SocketPlace.Python!.RunArguments([Example("ask.py"), _place.Address("path")[5..], "2", "81"]).Succeeded().Lines;
        Assert.Equal(["1.4142135623730951", "9"], answers);
        serving.Wait().NoErrors();
    }

    [NeedsFact("gcc")]
    public void The_handbook_s_C_program_takes_an_open_file()
    {
        var program = Path.Combine(_place.Folder, "take");
        Shell.Find("gcc")!.RunArguments(["-Wall", "-Werror", "-o", program, Example("take.c")]).Succeeded();
        File.WriteAllText(Path.Combine(_place.Folder, "file"), "its content\n");
        _session.Run("$server = New-IpcSocket $args[0]", _place.Address("path")).NoErrors();
        using var taking = new Shell(program).StartArguments([_place.Address("path")[5..]]);
        _session.Run(
            """
            $connection = Receive-IpcMessage $server -Connection -Timeout 60
            $file = [IO.File]::OpenRead("$($args[0])/file")
            'a file:' | Send-IpcMessage $connection -Format Text -Handle $file
            $file.Dispose(); Close-IpcObject $connection
            """, _place.Folder).NoErrors();
        Assert.Equal(["a file:", "its content"], taking.Finish().Succeeded().Lines);
    }

    private static string Example(string name) => Path.Combine(Build.RepositoryRoot, "docs", "examples", "sockets", name);
}
