using System.Runtime.InteropServices;
using System.Text;
using IpcPs.Linux;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Signals;
using IpcPs.Sockets;
using Xunit;

namespace IpcPs.Tests.Processes;

public class ChildProcessTests
{
    [Theory]
    [InlineData("exit 0", "ended with exit code 0", 0)]
    [InlineData("exit 3", "ended with exit code 3", 3)]
    [InlineData("kill -9 $$", "was killed by signal KILL", 137)]
    [InlineData("kill -TERM $$", "was killed by signal TERM", 143)]
    public void The_exit_says_code_or_signal(string script, string text, int shellCode)
    {
        using var child = Shell(script);
        Assert.True(child.WaitForExit());
        Assert.Equal(text, child.Exit.ToString());
        Assert.Equal(shellCode, child.Exit!.Value.ShellCode);
        Assert.False(child.Signal(9));
    }

    [Theory]
    [InlineData(9, "KILL")]
    [InlineData(34, "RTMIN")]
    [InlineData(37, "RTMIN+3")]
    [InlineData(64, "RTMAX")]
    public void A_signal_has_its_name(int number, string name) => Assert.Equal(name, new ProcessExit(null, number, false).SignalName);

    [Fact]
    public void A_channel_is_lost_when_its_other_end_is_closed_or_this_one()
    {
        using var pipe = DuplexPipe.Create();
        var (near, far) = IpcSocket.CreatePair();
        using (near)
        using (far)
        {
            Assert.False(CurrentProcess.HasLost(pipe.Far));
            Assert.False(CurrentProcess.HasLost(far));
            pipe.Near.Dispose();
            near.Dispose();
            Assert.True(CurrentProcess.HasLost(pipe.Far));
            Assert.True(CurrentProcess.HasLost(far));
            pipe.Far.Dispose();
            Assert.True(CurrentProcess.HasLost(pipe.Far));
        }
    }

    [Fact]
    public void A_program_that_does_not_exist_is_an_error_at_once()
    {
        var error = Assert.Throws<IpcException>(() => ChildProcess.Start(new ChildProcessOptions { FileName = "/no/such/program" }));
        Assert.Equal(IpcErrors.NotFound, error.Id);
        Assert.Contains("/no/such/program", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_program_is_refused()
    {
        var error = Assert.Throws<IpcException>(() => ChildProcess.Start(new ChildProcessOptions { FileName = "/etc/passwd" }));
        Assert.Equal(IpcErrors.AccessDenied, error.Id);
    }

    [Fact]
    public void An_argument_with_a_NUL_is_refused() =>
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => Shell("echo a\0b")).Id);

    [Fact]
    public void Only_what_is_named_is_inherited()
    {
        using var stray = AnonymousPipe.Create();
        // What a careless native library leaves open: not close-on-exec.
        Assert.Equal(0, Libc.fcntl(stray.Writer.Writer!, Libc.F_SETFD, 0));
        // Counted by the shell itself: another program, or a pipe to it, would come with descriptors of its own.
        Assert.Equal(
            "0 1 2 7 ",
            Output("n=0; while [ $n -lt 256 ]; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; n=$((n+1)); done", (stray.Reader.Reader!, 7)));
    }

    [Fact]
    public void Descriptors_may_trade_places()
    {
        using var first = AnonymousPipe.Create();
        using var second = AnonymousPipe.Create();
        var (a, b) = (first.Reader.Reader!, second.Reader.Reader!);
        // What each descriptor is, as the kernel names it: "pipe:[12345]".
        static string Name(SafeDescriptor d) => new FileInfo($"/proc/self/fd/{d.Number}").LinkTarget!;
        var text = Output($"readlink /proc/self/fd/{b.Number} /proc/self/fd/{a.Number}", (a, b.Number), (b, a.Number));
        Assert.Equal($"{Name(a)}\n{Name(b)}\n", text);
    }

    [Fact]
    public void Nothing_is_ignored_and_nothing_is_blocked()
    {
        // .NET ignores SIGPIPE, and a child would inherit that.
        var lines = Output("grep -E 'Sig(Blk|Ign)' /proc/self/status").Split('\n');
        Assert.Equal("SigBlk:\t0000000000000000", lines[0]);
        // 32 and 33 are glibc's own: its posix_spawn ignores them, and the program that starts sets them up again.
        Assert.Contains(lines[1], new[] { "SigIgn:\t0000000000000000", "SigIgn:\t0000000180000000" });
    }

    [Fact]
    public void What_is_not_named_of_the_standard_streams_is_nothing() =>
        Assert.Equal("/dev/null /dev/null\n", Output("echo $(readlink /proc/$$/fd/0) $(readlink /proc/$$/fd/2)"));

    [Fact]
    public void Environment_and_folder_are_chosen()
    {
        using var pipe = AnonymousPipe.Create();
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "/bin/sh",
            Arguments = ["-c", "echo $ONLY $HOME; pwd"],
            Environment = new Dictionary<string, string> { ["ONLY"] = "ä" },
            WorkingDirectory = "/usr",
            Descriptors = [new InheritedDescriptor(pipe.Writer.Writer!, 1)],
        });
        Assert.Equal("ä\n/usr\n", ReadAll(pipe));
    }

    [Fact]
    public void Our_environment_is_the_one_that_the_session_sees()
    {
        var name = "IPCPS_TEST_" + Guid.NewGuid().ToString("N");
        Environment.SetEnvironmentVariable(name, "set here");
        Assert.Equal("set here\n", Output($"echo ${name}"));
    }

    [Fact]
    public void Children_started_at_once_by_many_threads_do_not_hold_each_others_pipes()
    {
        var pipes = Enumerable.Range(0, 16).Select(static _ => AnonymousPipe.Create()).ToArray();
        var children = new ChildProcess[pipes.Length];
        Parallel.For(0, pipes.Length, i => children[i] = Shell("read line", (pipes[i].Reader.Reader!, 0)));
        // Each ends at the end of its own input, while all the others still wait for theirs.
        for (var i = 0; i < pipes.Length; i++)
        {
            pipes[i].Writer.Dispose();
            Assert.True(children[i].WaitForExit());
            Assert.Equal(1, children[i].Exit!.Value.Code);
            children[i].Dispose();
            pipes[i].Dispose();
        }
    }

    [Fact]
    public void A_wait_ends_by_deadline_and_by_cancellation_and_the_child_goes_on()
    {
        using var pipe = AnonymousPipe.Create();
        using var child = Shell("read line; exit 5", (pipe.Reader.Reader!, 0));
        Assert.False(child.WaitForExit(Deadline.Immediate));
        Assert.False(child.WaitForExit(Deadline.After(TimeSpan.FromMilliseconds(20))));
        using var cancel = new CancellationTokenSource(20);
        Assert.Throws<OperationCanceledException>(() => child.WaitForExit(cancel.Token));
        Assert.Null(child.Exit);
        pipe.Send("go"u8, new SendOptions { Format = IpcFormat.Text });
        Assert.True(child.WaitForExit());
        Assert.Equal(5, child.Exit!.Value.Code);
    }

    [Fact]
    public void A_signal_to_the_group_reaches_what_the_child_started()
    {
        using var pipe = AnonymousPipe.Create();
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "/bin/sh",
            Arguments = ["-c", "sleep 1000 & echo ready; wait"],
            Descriptors = [new InheritedDescriptor(pipe.Writer.Writer!, 1)],
            OwnSession = true,
        });
        pipe.Writer.Dispose();
        var message = new MessageBuffer();
        Assert.True(pipe.Receive(message));
        Assert.True(child.SignalGroup(Libc.SIGKILL));
        // The grandchild holds the pipe too: its end is the end of both.
        Assert.False(pipe.Receive(message));
        Assert.True(child.WaitForExit());
        Assert.Equal("KILL", child.Exit!.Value.SignalName);
        Assert.False(child.SignalGroup(Libc.SIGKILL));
    }

    [Theory]
    [InlineData("echo asked; exit 0", true, -1, "asked\n")]
    [InlineData("", true, 1, "")]
    [InlineData("echo asked", false, 1, "")]
    public void What_a_child_left_in_its_group_is_ended(string onTerm, bool ask, int grace, string expected)
    {
        using var pipe = AnonymousPipe.Create();
        // It waits in a read that never ends, and not for a program: one that it has just started could miss the signal.
        using var never = AnonymousPipe.Create();
        var waited = new InheritedDescriptor(never.Reader.Reader!, 3);
        waited.MakeBlocking();
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "/bin/sh",
            Arguments = ["-c", $"(trap '{onTerm}' TERM; echo up; while :; do read -r line <&3; done) & exit 3"],
            Descriptors = [new InheritedDescriptor(pipe.Writer.Writer!, 1), waited],
            OwnSession = true,
        });
        pipe.Writer.Dispose();
        Assert.Equal("up\n", ReadSome(pipe));
        Assert.True(child.WaitForEnd());
        Assert.True(Directory.Exists($"/proc/{child.Id}"), "its process id was released");
        child.EndGroup(ask, Deadline.After(TimeSpan.FromMilliseconds(grace)));
        // The end of the pipe is the end of all that hold it.
        Assert.Equal(expected, ReadAll(pipe));
        Assert.True(child.WaitForExit());
        Assert.Equal(3, child.Exit!.Value.Code);
    }

    [Fact]
    public void A_child_with_its_own_session_has_no_terminal()
    {
        using var pipe = AnonymousPipe.Create();
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "/bin/sh",
            Arguments = ["-c", "cut -d' ' -f5-7 /proc/$$/stat"],
            Descriptors = [new InheritedDescriptor(pipe.Writer.Writer!, 1)],
            OwnSession = true,
        });
        // Group, session, terminal.
        Assert.Equal($"{child.Id} {child.Id} 0\n", ReadAll(pipe));
    }

    [Fact]
    public void A_child_in_our_group_is_not_signalled_as_a_group()
    {
        using var child = Shell("exit 0");
        Assert.Equal(IpcErrors.InvalidOperation, Assert.Throws<IpcException>(() => child.SignalGroup(9)).Id);
        Assert.Equal(IpcErrors.InvalidOperation, Assert.Throws<IpcException>(() => child.EndGroup(true, Deadline.Immediate)).Id);
    }

    [Fact]
    public void A_child_that_nobody_waits_for_leaves_no_zombie()
    {
        using var pipe = AnonymousPipe.Create();
        var child = Shell("read line", (pipe.Reader.Reader!, 0));
        var id = child.Id;
        child.Dispose();
        Assert.True(Directory.Exists($"/proc/{id}"));
        pipe.Writer.Dispose();
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{id}"), TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void Two_hundred_children_leave_no_descriptor_behind()
    {
        using (var first = Shell("exit 0")) first.WaitForExit();
        var before = OpenDescriptors();
        for (var i = 0; i < 200; i++)
        {
            using var child = Shell("exit 0");
            child.WaitForExit();
        }
        // The runtime has some of its own, that come and go; what a child left would stay.
        Assert.True(
            SpinWait.SpinUntil(() => OpenDescriptors() <= before + 100, TimeSpan.FromSeconds(60)),
            $"{before} descriptors were open before, and {OpenDescriptors()} are now.");
    }

    [Fact]
    public async Task The_text_of_many_children_at_once_is_complete_and_their_own()
    {
        for (var batch = 0; batch < 5; batch++)
        {
            var ids = Enumerable.Range(0, 20).Select(i => $"{batch}-{i}").ToArray();
            var texts = await Task.WhenAll(ids.Select(static id => Task.Factory.StartNew(() => TextOf(id),
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
            for (var i = 0; i < ids.Length; i++)
            {
                Assert.Equal(Enumerable.Range(1, 100).Select(n => $"out {ids[i]} {n}"), texts[i].Output);
                Assert.Equal(Enumerable.Range(1, 100).Select(n => $"err {ids[i]} {n}"), texts[i].Error);
            }
        }
    }

    private static (List<string> Output, List<string> Error) TextOf(string id)
    {
        using var output = AnonymousPipe.Create();
        using var error = AnonymousPipe.Create();
        var script = $"n=0; while [ $n -lt 100 ]; do n=$((n+1)); echo out {id} $n; echo err {id} $n >&2; done";
        using var child = Shell(script, (output.Writer.Writer!, 1), (error.Writer.Writer!, 2));
        output.Writer.Dispose();
        error.Writer.Dispose();
        var texts = (Output: new List<string>(), Error: new List<string>());
        ChildText.ReadUntilExit(child, output.Reader, error.Reader, texts.Output.Add, texts.Error.Add);
        Assert.True(child.WaitForExit());
        return texts;
    }

    private static int OpenDescriptors() => Directory.GetFiles("/proc/self/fd").Length;

    private static ChildProcess Shell(string script, params (SafeDescriptor Descriptor, int Number)[] descriptors)
    {
        InheritedDescriptor[] inherited = [.. descriptors.Select(static d => new InheritedDescriptor(d.Descriptor, d.Number))];
        foreach (var descriptor in inherited) descriptor.MakeBlocking();
        return ChildProcess.Start(new ChildProcessOptions { FileName = "sh", Arguments = ["-c", script], Descriptors = inherited });
    }

    private static string Output(string script, params (SafeDescriptor Descriptor, int Number)[] descriptors)
    {
        using var pipe = AnonymousPipe.Create();
        using var child = Shell(script, [.. descriptors, (pipe.Writer.Writer!, 1)]);
        var text = ReadAll(pipe);
        child.WaitForExit();
        return text;
    }

    private static string ReadSome(AnonymousPipe pipe)
    {
        var message = new MessageBuffer();
        Assert.True(pipe.Receive(message, new ReceiveOptions { Format = IpcFormat.Bytes }));
        return Encoding.UTF8.GetString(message.Payload.Span);
    }

    private static string ReadAll(AnonymousPipe pipe)
    {
        pipe.Writer.Dispose();
        var text = new StringBuilder();
        var message = new MessageBuffer();
        while (pipe.Receive(message, new ReceiveOptions { Format = IpcFormat.Bytes }))
            text.Append(Encoding.UTF8.GetString(message.Payload.Span));
        return text.ToString();
    }
}
