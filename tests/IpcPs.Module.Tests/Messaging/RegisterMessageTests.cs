using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Messaging;

/// <summary>Register-IpcMessage: events in order, back-pressure, and how a subscription ends.</summary>
public sealed class RegisterMessageTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"event-{Environment.ProcessId}-{Guid.NewGuid():n}"[..24];

    public RegisterMessageTests() => _session.Run("$global:q = New-IpcQueue $args[0]; $global:n = 0", _name).NoErrors();

    public void Dispose()
    {
        _session.Run("Get-EventSubscriber | Unregister-Event; Get-Event | Remove-Event; Remove-IpcObject $q -Confirm:$false");
        _session.Dispose();
    }

    [Fact]
    public void Events_come_in_order_and_the_last_one_is_the_end()
    {
        var values = _session.Run("""
            $pipe = New-IpcPipe
            Register-IpcMessage $pipe.Reader -SourceIdentifier data -MessageData 9
            1..3 | Send-IpcMessage $pipe.Writer -Close
            do {
                $e = Wait-Event data -Timeout 60
                $m = $e.SourceEventArgs
                "$($m.Body) $($m.IsEnd) $($e.MessageData) $($null -eq $m.Exception)"
                $e | Remove-Event
            } until ($m.IsEnd)
            foreach ($i in 1..3000) { if (!(Get-EventSubscriber)) { 'ended'; break }; Start-Sleep -Milliseconds 20 }
            Close-IpcObject $pipe
            """).NoErrors().Values;
        Assert.Equal(["1 False 9 True", "2 False 9 True", "3 False 9 True", " True 9 True", "ended"], values);
    }

    [Fact]
    public void An_action_that_fails_goes_on_and_its_last_error_is_in_the_job()
    {
        var values = _session.Run("""
            $job = Register-IpcMessage $q -Action { $global:n++; if ($EventArgs.Body -ne 3) { throw "no $($EventArgs.Body)" } }
            1..4 | Send-IpcMessage $q
            foreach ($i in 1..3000) { if ($n -eq 4) { break }; Start-Sleep -Milliseconds 20 }
            $n; $job.State; "$($job.Error)"
            """).NoErrors().Values;
        Assert.Equal([4, "Running", "no 4"], values.Select(static v => v is Enum e ? e.ToString() : v));
    }

    [Fact]
    public void No_more_than_the_stated_number_is_pending()
    {
        var values = _session.Run("""
            Register-IpcMessage $q -SourceIdentifier few -MaxPending 3
            1..8 | Send-IpcMessage $q
            # It stops by itself: three are pending, and the rest stays in the queue.
            foreach ($i in 1..3000) { if ($q.CurrentMessages -eq 5) { break }; Start-Sleep -Milliseconds 20 }
            $q.CurrentMessages; (Get-Event few).Count
            1..8 | ForEach-Object { $e = Wait-Event few -Timeout 60; $e.SourceEventArgs.Body; $e | Remove-Event }
            """).NoErrors().Values;
        Assert.Equal([5, 3, 1, 2, 3, 4, 5, 6, 7, 8], values.Select(static v => Convert.ToInt32(v, null)));
    }

    [Fact]
    public void It_ends_after_a_count_by_Unregister_Event_and_by_the_removal_of_the_queue()
    {
        var values = _session.Run("""
            Register-IpcMessage $q -SourceIdentifier two -MaxTriggerCount 2
            1..3 | Send-IpcMessage $q
            1..2 | ForEach-Object { $e = Wait-Event two -Timeout 60; $e.SourceEventArgs.Body; $e | Remove-Event }
            foreach ($i in 1..3000) { if (!(Get-EventSubscriber)) { break }; Start-Sleep -Milliseconds 20 }
            Receive-IpcMessage $q -Timeout 60
            Register-IpcMessage "mq:/$($args[0])" -SourceIdentifier three
            Unregister-Event three
            4 | Send-IpcMessage $q
            Receive-IpcMessage $q -Timeout 60
            Register-IpcMessage $q -SourceIdentifier four
            # By its address: the session's own object would also be closed.
            Remove-IpcObject $q.AddressText -Confirm:$false
            $e = Wait-Event four -Timeout 60
            $e.SourceEventArgs.IsEnd; $e.SourceEventArgs.Exception.Message
            """, _name).NoErrors().Values;
        Assert.Equal([1, 2, 3, 4, true, $"'mq:/{_name}' was removed."], values);
    }

    [Fact]
    public void A_message_that_cannot_be_read_is_an_event_with_the_reason()
    {
        var values = _session.Run("""
            Register-IpcMessage $q -SourceIdentifier json -Format Json
            '{"a":', '5' | Send-IpcMessage $q -Format Text
            1..2 | ForEach-Object {
                $e = Wait-Event json -Timeout 60
                $e.SourceEventArgs.Exception.Id.Name; $e.SourceEventArgs.Body
                $e | Remove-Event
            }
            """).NoErrors().Values;
        Assert.Equal(["IpcFormatMismatch", null, null, 5L], values.Select(static v => v is int i ? (long)i : v));
    }

    [Fact]
    public void Bytes_that_are_no_message_are_one_event_and_the_next_message_comes()
    {
        var values = _session.Run("""
            $pipe = New-IpcPipe
            Register-IpcMessage $pipe.Reader -SourceIdentifier pipe -Format Object
            'no object' | Send-IpcMessage $pipe.Writer -Format Text
            5 | Send-IpcMessage $pipe.Writer -Close
            1..3 | ForEach-Object {
                $e = Wait-Event pipe -Timeout 60
                "$($e.SourceEventArgs.Exception.Id.Name) $($e.SourceEventArgs.Body) $($e.SourceEventArgs.IsEnd)"
                $e | Remove-Event
            }
            Close-IpcObject $pipe
            """).NoErrors().Values;
        Assert.Equal(["IpcFormatMismatch  False", " 5 False", "  True"], values);
    }

    [Theory]
    [InlineData("Register-IpcMessage $q -SourceIdentifier x; Register-IpcMessage $q -SourceIdentifier x", "IpcAlreadyExists",
        ErrorCategory.ResourceExists, "There is an event subscription 'x' already.")]
    [InlineData("Register-IpcMessage mq:/no-such-queue", "IpcNotFound", ErrorCategory.ObjectNotFound, "mq:/no-such-queue")]
    [InlineData("Register-IpcMessage $q -MaxPending 0", "ParameterArgumentValidationError", ErrorCategory.InvalidData, "MaxPending")]
    public void An_error_names_the_cause(string script, string id, ErrorCategory category, string text)
    {
        var error = _session.Run(script).Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }
}
