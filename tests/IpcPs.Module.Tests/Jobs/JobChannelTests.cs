using System.Management.Automation;
using IpcPs.Module.Tests.Sockets;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>Start-IpcJob -Via with a channel that exists, and that other programs use too.</summary>
public sealed class JobChannelTests : JobTests
{
    private const string Peer = """
        import ctypes, os, sys
        mq = ctypes.CDLL('librt.so.1', use_errno=True)
        queue = mq.mq_open(sys.argv[1].encode(), os.O_RDWR)
        assert queue >= 0
        if len(sys.argv) > 2:
            assert mq.mq_send(queue, sys.argv[2].encode(), ctypes.c_size_t(len(sys.argv[2])), 0) == 0
        else:
            buffer = ctypes.create_string_buffer(8192)
            n = mq.mq_receive(queue, buffer, ctypes.c_size_t(8192), None)
            assert n >= 0
            print(buffer.raw[:n])
        """;

    private readonly string _name = $"ipcps-test-{Guid.NewGuid():N}";

    [NeedsFact("python3")]
    public void A_program_that_knows_no_IpcPs_writes_to_the_input_and_reads_from_it()
    {
        Session.Set("peer", Peer);
        var result = Session.Run(
            """
            function Receive($job) { $null = Wait-Job $job -Timeout 60; [string]$job.State; Receive-Job $job }
            $queue = New-IpcQueue "mq:/$($args[0])"
            try {
                $name = "/$($args[0])"
                # Its text is there before the numbers, and arrives as text. Then the input ends, and the queue stays.
                python3 -c $peer $name 'from outside'
                Receive (1..2 | Start-IpcJob { $input | ForEach-Object { "$($_.GetType().Name) $_" } } -Via $queue)
                # What a job that ends early has not received stays, and the other program receives it.
                Receive ('this', 'that' | Start-IpcJob { foreach ($i in $input) { $i; break } } -Via $queue.Address)
                $null = (python3 -c $peer $name) -match 'that'; $Matches[0]; $queue.CurrentMessages
                # A reader that is killed ends its writer, and leaves the rest.
                $writer = Start-IpcJob { $null = Receive-IpcMessage $IpcParent; while ($true) { 'x' } }
                $reader = $writer | Start-IpcJob { foreach ($i in $input) { 'up' | Send-IpcMessage $IpcParent; Start-Sleep 600 } } `
                    -Via $queue
                'go' | Send-IpcMessage $writer
                $null = Receive-IpcMessage $reader -Timeout 60
                Send-IpcSignal $reader KILL
                $null = Wait-Job $reader -Timeout 60
                "$($reader.State) $($writer.State) $($queue.CurrentMessages -gt 0)"
                $null = Receive-IpcMessage $queue -All -NoWait
                $secret = [pscredential]::new('u', (ConvertTo-SecureString p -AsPlainText))
                try { $null = $secret | Start-IpcJob { $input } -Via $queue -Name refused } catch { $_.FullyQualifiedErrorId }
                # It reads the same queue until it ends.
                $null = Wait-Job -Name refused -Timeout 60
                # Nothing is piped: the input goes on until the queue is removed.
                $job = Start-IpcJob { foreach ($i in $input) { $i; 'got it' | Send-IpcMessage $IpcParent } } -Via $queue
                python3 -c $peer $name 'later'
                $null = Receive-IpcMessage $job -Timeout 60
            }
            finally {
                Remove-IpcObject $queue
            }
            Receive $job
            """, _name);
        Assert.Equal(
            ["Completed", "String from outside", "Int32 1", "Int32 2", "Completed", "this", "that", 0L, "Failed Stopped True",
                "IpcSecretRefused,IpcPs.Module.Commands.Jobs.StartIpcJobCommand", "Completed", "later"], result.NoErrors().Values);
    }

    [Fact]
    public void Named_pipes_rings_and_system_v_queues_carry_the_input_too()
    {
        var result = Session.Run(
            """
            function Receive($job) { $null = Wait-Job $job -Timeout 60; [string]$job.State; Receive-Job $job }
            $fifo = New-IpcPipe "fifo:$($args[0])"
            $ring = New-IpcRing "ring:/$($args[0])"
            $queue = New-IpcQueue -Kind SysV
            try {
                $sum = { $n = 0; foreach ($i in $input) { if ($i -is [int]) { $n += $i } else { $i.Length } }; $n }
                foreach ($channel in $fifo, $ring, $queue) {
                    Receive (100, (Start-IpcJob { 1..50; [string]::new('x', 1MB) }) | Start-IpcJob $sum -Via $channel)
                }
                # The last writer of a named pipe ends the input. So does its death.
                $job = Start-IpcJob { $input } -Via "fifo:$($args[0])"
                sh -c 'printf "one\ntwo\n" > "$0"' $fifo.Path
                Receive $job
                $writer = Start-IpcJob { $null = Receive-IpcMessage $IpcParent; 'last words'; Start-Sleep 600 } -Name writer
                $reader = $writer | Start-IpcJob { foreach ($i in $input) { $i; 'got it' | Send-IpcMessage $IpcParent } } -Via $fifo
                'go' | Send-IpcMessage $writer
                $null = Receive-IpcMessage $reader -Timeout 60
                Send-IpcSignal $writer KILL
                Receive $reader
            }
            finally {
                $fifo, $ring, $queue | Remove-IpcObject
            }
            """, _name);
        Assert.Equal(
            ["Completed", 1024 * 1024, 1375, "Completed", 1024 * 1024, 1375, "Completed", 1024 * 1024, 1375, "Completed", "one", "two",
                "Failed", "last words"], result.Values);
        Expect(result.Error(), "JobStateFailed", ErrorCategory.InvalidResult, "Stage 1 of 2, job 'writer'");
    }

    [Fact]
    public void A_channel_that_cannot_be_used_is_an_error_of_the_command_or_of_the_job()
    {
        var result = Session.Run(
            """
            $ErrorActionPreference = 'Continue'
            foreach ($start in { Start-IpcJob { } -Via mq:/ipcps-there-is-none }, { 1 | Start-IpcJob { } -Via unix:@ipcps-there-is-none },
                { Start-IpcJob { } -Via (New-IpcPipe -Duplex) }, { Start-IpcJob { } -Via nonsense:x }) {
                try { & $start } catch { $_ }
            }
            $queue = New-IpcQueue "mq:/$($args[0])"
            $job = Start-IpcJob { 'never' } -Via $queue
            Send-IpcSignal $job STOP
            Remove-IpcObject $queue
            Send-IpcSignal $job CONT
            $null = Wait-Job $job -Timeout 60
            $job.Failure
            """, _name);
        var errors = result.NoErrors().Values.Cast<ErrorRecord>().ToArray();
        Assert.Equal(5, errors.Length);
        Expect(errors[0], "IpcNotFound", ErrorCategory.ObjectNotFound, "mq:/ipcps-there-is-none");
        Expect(errors[1], "IpcNotSupported", ErrorCategory.InvalidOperation, "goes to its peer, not to the job");
        Expect(errors[2], "IpcWrongKind", ErrorCategory.InvalidOperation, "carries no messages to a job");
        Expect(errors[3], "IpcInvalidAddress", ErrorCategory.InvalidArgument, "'nonsense' is not a scheme");
        Expect(errors[4], "IpcNotFound", ErrorCategory.ObjectNotFound, $"mq:/{_name}");
    }
}
