using Xunit;

namespace IpcPs.Module.Tests.Queues;

/// <summary>Limits that a test reaches in a new IPC namespace. Each error names the limit, its value and what raises it.</summary>
public class QueueLimitTests
{
    private static readonly Shell Unshare = new("unshare");

    [QueueLimitFact]
    public void As_many_posix_queues_as_there_may_be() =>
        Expect("echo 1 > /proc/sys/fs/mqueue/queues_max", "$null = New-IpcQueue -MaxMessages 1; New-IpcQueue -MaxMessages 1",
            "IpcLimitReached", "The limit of POSIX queues is reached: fs.mqueue.queues_max is 1.", "sysctl fs.mqueue.queues_max=");

    [QueueLimitFact]
    public void As_many_bytes_in_queues_as_a_user_may_have() =>
        Expect("prlimit --msgqueue=50000 --pid $$", "New-IpcQueue -MaxMessages 10 -MaxMessageSize 8000", "IpcLimitReached",
            "A queue of 10 messages of 8000 bytes counts as 80960 bytes, which is more than is left for this user: the limit for all "
            + "queues of a user together, RLIMIT_MSGQUEUE, is 50000 bytes.", "ulimit -q");

    [QueueLimitFact]
    public void As_many_system_v_queues_as_there_may_be() =>
        Expect("echo 1 > /proc/sys/kernel/msgmni", "$null = New-IpcQueue -Kind SysV; New-IpcQueue -Kind SysV",
            "IpcLimitReached", "The limit of System V queues is reached: kernel.msgmni is 1.", "sysctl kernel.msgmni=");

    [QueueLimitFact]
    public void A_system_v_message_as_large_as_it_may_be() =>
        Expect("echo 100 > /proc/sys/kernel/msgmax", "$q = New-IpcQueue -Kind SysV; 'x' * 101 | Send-IpcMessage $q -Format Text",
            "IpcMessageTooLarge", "A message of 101 bytes is larger than the 100 that 'sysvmq:id=0' takes.",
            "kernel.msgmax bytes, which is 100");

    [QueueLimitFact]
    public void A_system_v_queue_as_large_as_it_may_be() =>
        Expect("echo 1000 > /proc/sys/kernel/msgmnb", "New-IpcQueue -Kind SysV -MaxBytes 1001",
            "IpcLimitReached", "1001 bytes are more than a queue may hold: kernel.msgmnb is 1000.", "sysctl kernel.msgmnb=1001");

    [QueueLimitFact]
    public void A_larger_system_v_message_than_usual_is_received_whole()
    {
        var result = Run("echo 100000 > /proc/sys/kernel/msgmax; echo 200000 > /proc/sys/kernel/msgmnb",
            "$q = New-IpcQueue -Kind SysV; 'x' * 50000 | Send-IpcMessage $q -Format Text; (Receive-IpcMessage $q -Peek).Length; "
            + "(Receive-IpcMessage $q).Length");
        Assert.Equal(["50000", "50000"], result.Succeeded().Lines);
    }

    private static void Expect(string limit, string script, string id, string text, string advice)
    {
        // One line each, so that no width of a terminal breaks them.
        var result = Run(limit, $"try {{ $ErrorActionPreference = 'Stop'; {script} }} "
            + "catch { $_.FullyQualifiedErrorId; $_.Exception.Message; $_.ErrorDetails.RecommendedAction }").Succeeded();
        Assert.StartsWith(id + ",", result.Lines[0], StringComparison.Ordinal);
        Assert.Contains(text, result.Lines[1], StringComparison.Ordinal);
        Assert.Contains(advice, result.Lines[2], StringComparison.Ordinal);
    }

    private static ShellResult Run(string limit, string script)
    {
        using var running = Unshare.StartArguments(["-i", "sh", "-c", limit + "; exec \"$0\" \"$@\"", Shell.Pwsh.Path,
            .. Shell.ScriptArguments(script)]);
        return running.Finish();
    }
}
