using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>What Start-IpcJob refuses, and how it says so.</summary>
public sealed class JobErrorTests : JobTests
{
    [Theory]
    [InlineData(
        "1 | Start-IpcJob { } -Via Carrier", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'Carrier' is not a transport. The transports are Pipe, Fifo, Unix, SeqPacket, Tcp, Queue, SysVQueue, Ring, and the address of a "
        + "channel that exists (mq:/jobs).")]
    [InlineData("Start-IpcJob { } -Via Pigeon", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "'Pigeon' is not a transport")]
    [InlineData(
        "Start-IpcJob { $using:nothing }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'$using:nothing' (script line 1): the variable is not set.")]
    [InlineData(
        "$one = @(5)\nStart-IpcJob {\n$using:one[7] }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'$using:one[7]' (script line 3): Index was outside the bounds of the array.")]
    [InlineData(
        "$text = 'x'; Start-IpcJob { $using:text.Nope }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'$using:text.Nope' (script line 1): The property 'Nope' cannot be found on this object.")]
    [InlineData(
        "Start-IpcJob { } -Handle (New-IpcPipe)", "IpcWrongKind", ErrorCategory.InvalidOperation,
        "has two ends; a child can inherit only one.")]
    [InlineData(
        "$p = New-IpcPipe; Close-IpcObject $p.Reader; Start-IpcJob { } -Handle $p.Reader", "IpcClosed", ErrorCategory.InvalidOperation,
        "was closed")]
    [InlineData("Start-IpcJob { } -Handle nonsense", "IpcInvalidAddress", ErrorCategory.InvalidArgument, "nonsense")]
    [InlineData("Start-IpcJob -FilePath ./nope.ps1", "IpcNotFound", ErrorCategory.ObjectNotFound, "There is no script file './nope.ps1'.")]
    [InlineData("Start-IpcJob -FilePath x:/a.ps1", "IpcNotFound", ErrorCategory.ObjectNotFound, "There is no script file 'x:/a.ps1'.")]
    [InlineData("Start-IpcJob -FilePath /etc/pass*", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "'/etc/pass*' is not ")]
    [InlineData("Start-IpcJob -FilePath env:/PATH", "IpcInvalidArgument", ErrorCategory.InvalidArgument, "'env:/PATH' is not one script")]
    [InlineData(
        "Start-IpcJob { } -WorkingDirectory /nope", "IpcNotFound", ErrorCategory.ObjectNotFound,
        "There is no folder '/nope' that a job could start in.")]
    [InlineData("Start-IpcJob { } -WorkingDirectory q:/x", "IpcNotFound", ErrorCategory.ObjectNotFound, "There is no folder 'q:/x'")]
    [InlineData(
        "Start-IpcJob { } -Environment @{ 'a=b' = 1 }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'a=b' cannot be the name of an environment variable.")]
    [InlineData(
        "Start-IpcJob { } -Environment @{ A = \"x`0\" }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "The environment variable 'A' cannot contain a NUL.")]
    [InlineData(
        "Start-IpcJob { } -InitializationScript { $using:nothing }", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "'$using:nothing' (script line 1): the variable is not set.")]
    [InlineData("Start-IpcJob $null", "ParameterArgumentValidationError", ErrorCategory.InvalidData, "null")]
    [InlineData("Start-IpcJob { } -Name ''", "ParameterArgumentValidationError", ErrorCategory.InvalidData, "Name")]
    [InlineData(
        "$a = Start-IpcJob { }; $null = $a | Start-IpcJob { $input }; $null = $a | Start-IpcJob { $input }", "IpcInvalidOperation",
        ErrorCategory.InvalidOperation, "already goes to job")]
    public void What_is_wrong_is_said(string script, string id, ErrorCategory category, string text) =>
        Expect(Session.Run(script).Error(), id, category, text);

    [Fact]
    public void A_handle_that_is_not_there_fails_the_job()
    {
        var (job, result) = Run("Start-IpcJob { } -Handle mq:/ipcps-there-is-none");
        Assert.Equal("Failed", job.JobStateInfo.State.ToString());
        Assert.Contains(result.Errors, static e => e.Exception.Message.Contains("mq:/ipcps-there-is-none", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_way_is_offered_by_completion()
    {
        const string Line = "1 | Start-IpcJob { } -Via ";
        var queue = (string)Session.Run("$queue = New-IpcQueue mq:/ipcps-via-$PID; $queue.Address.Text").Single()!;
        var segment = (string)Session.Run("$segment = New-IpcSharedMemory shm:/ipcps-via-$PID -Size 10; $segment.Address.Text").Single()!;
        var offered = CommandCompletion.CompleteInput(Line, Line.Length, null, PowerShell.Create(Session.Runspace)).CompletionMatches
            .Select(static m => m.CompletionText).ToArray();
        Session.Run("$queue, $segment | Remove-IpcObject").NoErrors();
        Assert.Equal(
            ["Fifo", "Pipe", "Queue", "Ring", "SeqPacket", "SysVQueue", "Tcp", "Unix"],
            offered.Where(static m => !m.Contains(':', StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains(queue, offered);
        Assert.DoesNotContain(segment, offered);
    }
}
