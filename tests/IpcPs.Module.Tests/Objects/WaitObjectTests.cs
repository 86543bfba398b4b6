using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Objects;

/// <summary>Wait-IpcObject: what it accepts, what it returns, and its errors.</summary>
public sealed class WaitObjectTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"wait-{Environment.ProcessId}-{Guid.NewGuid():n}"[..24];

    public WaitObjectTests() =>
        _session.Run("$global:q = New-IpcQueue $args[0]; $global:s = New-IpcSemaphore $args[0] -InitialCount 0", _name).NoErrors();

    public void Dispose()
    {
        _session.Run("Remove-IpcObject $q, $s -Confirm:$false");
        _session.Dispose();
    }

    [Fact]
    public void The_first_that_is_ready_is_returned_and_stands_for_its_object()
    {
        var values = _session.Run("""
            $pipe = New-IpcPipe
            try {
                7 | Send-IpcMessage $pipe.Writer
                $ready = Wait-IpcObject $q, $pipe, "sem:/$($args[0])" -Timeout 60
                $ready.State; $ready.Kind; $ready.Index; [object]::ReferenceEquals($ready.Object, $pipe); "$ready" -eq $pipe.AddressText
                $ready | Receive-IpcMessage
                1 | Send-IpcMessage $q
                # An address is opened for the call, and stands for itself.
                $q.Address, $s | Wait-IpcObject | Receive-IpcMessage
            }
            finally { Close-IpcObject $pipe }
            """, _name).NoErrors().Values;
        Assert.Equal(["Message", "anonymous pipe", 1, true, true, 7, 1], values.Select(static v => v is Enum e ? e.ToString() : v));
    }

    [Fact]
    public void Jobs_processes_and_signals_are_waited_for()
    {
        var values = _session.Run("""
            $sleep = Start-Process sleep 1000 -PassThru
            $wait = Start-Process sleep 1000 -PassThru
            try {
                Send-IpcSignal $PID RTMIN+8 -WhatIf
                $null = Wait-IpcSignal RTMIN+8 -ArmOnly
                Send-IpcSignal $PID RTMIN+8 -Value 3
                $ready = Wait-IpcObject $sleep, $wait.Id, RTMIN+8 -Timeout 60
                "$($ready.State) $ready"
                (Wait-IpcSignal RTMIN+8 -Timeout 60).Value
                Stop-Process $wait
                $ready = Wait-IpcObject $sleep, $wait, RTMIN+8 -Timeout 60
                "$($ready.State) $($ready.Kind) $($ready.Index)"
            }
            finally { Stop-Process $sleep; Unregister-IpcSignal RTMIN+8 }
            """).NoErrors().Values;
        Assert.Equal(["Signal RTMIN+8", 3, "Ended process 1"], values);
    }

    [Fact]
    public void All_returns_what_is_ready_before_a_timeout()
    {
        var result = _session.Run("1 | Send-IpcMessage $q; (Wait-IpcObject $q, $s -All -Timeout 0.05).State");
        Assert.Equal("Message", result.Values.Single()!.ToString());
        var error = result.Error();
        Assert.Equal($"Waited 0.05 s for 'sem:/{_name}' to be ready.", error.Exception.Message);
        Assert.Equal(2, _session.Run("Unlock-IpcObject $s; Wait-IpcObject $q, $s -All -Timeout 60").NoErrors().Values.Count);
    }

    [Theory]
    [InlineData("Wait-IpcObject $q -Timeout 0", "IpcTimeout", ErrorCategory.OperationTimeout, "to be ready.")]
    [InlineData("Wait-IpcObject unix:@nobody", "IpcNotSupported", ErrorCategory.InvalidOperation,
        "'unix:@nobody' cannot be waited for by its address: what has arrived would be lost when this command closes it.")]
    [InlineData("Wait-IpcObject fifo:x", "IpcNotSupported", ErrorCategory.InvalidOperation, "'fifo:x' cannot be waited for by its address")]
    [InlineData("Wait-IpcObject mq:/no-such-queue", "IpcNotFound", ErrorCategory.ObjectNotFound, "mq:/no-such-queue")]
    [InlineData("Wait-IpcObject 5000000", "IpcProcessNotFound", ErrorCategory.ObjectNotFound, "5000000")]
    [InlineData("Wait-IpcObject KILL", "IpcSignalRefused", ErrorCategory.InvalidArgument, "kernel")]
    [InlineData("Wait-IpcObject $s -Index 1", "IpcOutOfRange", ErrorCategory.InvalidArgument, "index 0")]
    [InlineData("$p = New-IpcPipe; try { Wait-IpcObject $p.Writer } finally { Close-IpcObject $p }", "IpcNotSupported",
        ErrorCategory.InvalidOperation, "open for sending only")]
    [InlineData("Wait-IpcObject nonsense", "ParameterArgumentTransformationError", ErrorCategory.InvalidData,
        "'nonsense' is not an address (such as 'mq:/jobs'), a process id or a signal (such as 'USR1').")]
    public void An_error_names_the_cause(string script, string id, ErrorCategory category, string text)
    {
        var error = _session.Run(script).Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_channels_are_received_from_also_where_one_has_no_descriptor()
    {
        using var other = new ModuleSession();
        _session.Run("$global:v = New-IpcQueue -Kind SysV").NoErrors();
        try
        {
            var address = _session.Run("$v.AddressText").Single();
            using var receiving = _session.Start("Receive-IpcMessage $v, $q -Count 4 -Timeout 60");
            other.Run("1..2 | Send-IpcMessage $args[0]; 3..4 | Send-IpcMessage $args[1]", address, $"mq:/{_name}").NoErrors();
            Assert.Equal([1, 2, 3, 4], receiving.Wait().NoErrors().Values.Order());
        }
        finally
        {
            _session.Run("Remove-IpcObject $v -Confirm:$false");
        }
    }
}
