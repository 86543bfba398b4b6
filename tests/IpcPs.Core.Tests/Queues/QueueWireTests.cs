using IpcPs.Queues;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Queues;

/// <summary>Other programs at the far end: a raw payload is exactly its bytes, with its type or priority, in both directions.</summary>
[Collection(nameof(QueueTests))]
public class QueueWireTests
{
    // Receives three messages and answers each: reversed bytes, priority or type plus one.
    private const string CPosix = """
        #include <mqueue.h>
        #include <stdio.h>
        int main(int argc, char **argv) {
            mqd_t in = mq_open(argv[1], O_RDONLY), out = mq_open(argv[2], O_WRONLY);
            if (in < 0 || out < 0) { perror("mq_open"); return 1; }
            char buffer[200], back[200]; unsigned priority;
            for (int i = 0; i < 3; i++) {
                ssize_t n = mq_receive(in, buffer, sizeof buffer, &priority);
                if (n < 0) { perror("mq_receive"); return 1; }
                for (ssize_t k = 0; k < n; k++) back[k] = buffer[n - 1 - k];
                if (mq_send(out, back, n, priority + 1) != 0) { perror("mq_send"); return 1; }
            }
        }
        """;

    private const string CSysV = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/msg.h>
        int main(int argc, char **argv) {
            int queue = msgget(strtol(argv[1], 0, 0), 0);
            if (queue < 0) { perror("msgget"); return 1; }
            struct { long type; char text[200]; } in, out;
            for (int i = 0; i < 3; i++) {
                ssize_t n = msgrcv(queue, &in, sizeof in.text, -10, 0);
                if (n < 0) { perror("msgrcv"); return 1; }
                for (ssize_t k = 0; k < n; k++) out.text[k] = in.text[n - 1 - k];
                out.type = in.type + 100;
                if (msgsnd(queue, &out, n, 0) != 0) { perror("msgsnd"); return 1; }
            }
        }
        """;

    private const string PythonPosix = """
        import ctypes, os, sys
        mq = ctypes.CDLL('librt.so.1', use_errno=True)
        receive, send = (mq.mq_open(name.encode(), flag) for name, flag in zip(sys.argv[1:], (os.O_RDONLY, os.O_WRONLY)))
        assert receive >= 0 and send >= 0
        for _ in range(3):
            buffer, priority = ctypes.create_string_buffer(200), ctypes.c_uint()
            n = mq.mq_receive(receive, buffer, ctypes.c_size_t(200), ctypes.byref(priority))
            assert n >= 0
            assert mq.mq_send(send, buffer.raw[:n][::-1], ctypes.c_size_t(n), priority.value + 1) == 0
        """;

    private const string PythonSysV = """
        import sys, sysv_ipc
        queue = sysv_ipc.MessageQueue(int(sys.argv[1], 0))
        for _ in range(3):
            text, type = queue.receive(type=-10)
            queue.send(text[::-1], type=type + 100)
        """;

    private const string PerlSysV = """
        use IPC::SysV qw(IPC_NOWAIT); use IPC::Msg;
        my $queue = IPC::Msg->new(hex($ARGV[0]), 0) or die $!;
        for (1 .. 3) {
            my $text; my $type = $queue->rcv($text, 200, -10) or die $!;
            $queue->snd($type + 100, scalar reverse $text) or die $!;
        }
        """;

    private static readonly byte[][] Payloads = [[0, 255, 10, 193], "héllo\n"u8.ToArray(), [7]];

    [Needs("gcc")]
    public void C_over_a_posix_queue() => TalkPosix((receive, send) => Peer.StartC(CPosix, receive, send));

    [Needs("python3")]
    public void Python_over_a_posix_queue() => TalkPosix((receive, send) => Peer.StartPython(PythonPosix, receive, send));

    [Needs("gcc")]
    public void C_over_a_system_v_queue() => TalkSysV(static key => Peer.StartC(CSysV, key));

    [Needs("/usr/bin/python3:sysv_ipc")]
    public void Python_over_a_system_v_queue() => TalkSysV(static key => Peer.Start("/usr/bin/python3", ["-c", PythonSysV, key]));

    [Needs("perl")]
    public void Perl_over_a_system_v_queue() => TalkSysV(static key => Peer.Start("perl", ["-e", PerlSysV, key]));

    [Needs("gcc")]
    public void A_file_key_is_the_one_of_ftok()
    {
        var file = Path.GetTempFileName();
        try
        {
            var key = Peer.RunC("""
                #include <stdio.h>
                #include <stdlib.h>
                #include <sys/ipc.h>
                int main(int argc, char **argv) { printf("0x%x", ftok(argv[1], atoi(argv[2]))); }
                """, file, "65");
            Assert.Equal(key, $"0x{SysVKey.TryParse(file + "#A")!.Resolve():x}");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Needs("gcc")]
    public void A_message_survives_its_killed_sender_and_a_killed_receiver_that_had_not_taken_it()
    {
        const string Program = """
            #include <mqueue.h>
            #include <stdio.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                mqd_t queue = mq_open(argv[1], O_RDWR); char buffer[200];
                if (argv[2][0] == 's') mq_send(queue, "sent", 4, 3); else mq_receive(queue, buffer, sizeof buffer, 0);
                puts("done"); fflush(stdout); pause();
            }
            """;
        using var queue = TestQueue.Posix(10, 100);
        using (var sender = Peer.StartC(Program, "/" + queue.Address.Name!, "s"))
        {
            Assert.Equal("done", sender.ReadLine());
            sender.Kill();
        }
        queue.Send("second");
        using (var receiver = Peer.StartC(Program, "/" + queue.Address.Name!, "r"))
        {
            Assert.Equal("done", receiver.ReadLine());
            receiver.Kill();
        }
        Assert.Equal("second", queue.Receive());
    }

    private static void TalkPosix(Func<string, string, Peer> start)
    {
        using var there = TestQueue.Posix(10, 200);
        using var back = TestQueue.Posix(10, 200);
        using var peer = start("/" + there.Address.Name, "/" + back.Address.Name);
        var message = new MessageBuffer();
        for (var i = 0; i < 3; i++)
        {
            there.Queue.Send(Payloads[i], new SendOptions { Format = i == 1 ? IpcFormat.Text : IpcFormat.Bytes, Priority = i * 5 });
            Assert.True(back.Queue.Receive(message, default, Deadline.After(TimeSpan.FromSeconds(30))));
            Assert.Equal(Payloads[i].Reverse(), message.Payload.ToArray());
            Assert.Equal((i * 5) + 1, message.Priority);
        }
        peer.Finish();
    }

    private static void TalkSysV(Func<string, Peer> start)
    {
        var key = TestQueue.NewKey();
        using var queue = SysVQueue.Create(key);
        try
        {
            using var peer = start(key.ToString());
            var message = new MessageBuffer();
            for (var i = 0; i < 3; i++)
            {
                queue.Send(Payloads[i], new SendOptions { Format = i == 1 ? IpcFormat.Text : IpcFormat.Bytes, Type = i + 1 });
                Assert.True(queue.Receive(message, new ReceiveOptions { Type = 101 + i }, Deadline.After(TimeSpan.FromSeconds(30))));
                Assert.Equal(Payloads[i].Reverse(), message.Payload.ToArray());
                Assert.Equal(101 + i, message.Type);
            }
            peer.Finish();
        }
        finally
        {
            SysVQueue.Remove(queue.Address);
        }
    }
}
