using System.Diagnostics;
using System.Globalization;
using IpcPs.Module.Jobs.Parent;
using IpcPs.Module.Jobs.Protocol;
using IpcPs.Processes;

namespace IpcPs.Module.Jobs.Child;

/// <content>What the parent tells the child.</content>
internal sealed partial class JobSession
{
    /// <summary>Handles the parent's messages until it ends.</summary>
    private void Listen()
    {
        var message = new MessageBuffer();
        try
        {
            while (_control.Receive(message, default, new(Deadline.Infinite, _lost))) HandleControlMessage(message);
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            if (_control.IsClosed) return;
        }
        // The parent has ended. If the script does not end in time (a native program, a sleep), the whole process group is killed.
        Volatile.Write(ref _parentEnd, Stopwatch.GetTimestamp());
        _parentEnded.Set();
        // At once: this process may be killed while it waits for the script.
        _start?.OnParentEnded();
        _output.OnParentEnded();
        Stop();
        if (!_done.Wait(Grace)) CurrentProcess.KillGroup();
    }

    private void HandleControlMessage(MessageBuffer message)
    {
        switch ((JobControlId)message.StreamId)
        {
            case JobControlId.Prepare:
                _orders.Add(PrepareMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Start:
                _orders.Add(Accept(message));
                break;
            case JobControlId.Redirect:
                Redirect(RedirectMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Proceed:
                _output.Proceed();
                break;
            case JobControlId.InputEnded:
                var writers = Convert.ToInt32(_serializer.Decode(message.Payload), CultureInfo.InvariantCulture);
                _broadcasts.Release(() => _input!.End(writers));
                break;
            case JobControlId.Attach:
                _broadcasts.Attach(AttachMessage.From(_serializer.Decode(message.Payload)));
                break;
            case JobControlId.Item:
                _items!.Add(message.Payload.Span);
                break;
            case JobControlId.TakeBack:
                _items!.GiveBack();
                break;
            case JobControlId.ReaderGone:
                Stop();
                break;
        }
    }

    /// <summary>Makes the input ready, which later messages may be about.</summary>
    /// <returns>The start message, or why the job can't start.</returns>
    private object Accept(MessageBuffer message)
    {
        try
        {
            var start = _start = StartMessage.From(_serializer.Decode(message.Payload));
            UsingValues.Inherit(start.Using);
            if (start.Descriptors > 0) _descriptors = ReceiveDescriptors(start.Descriptors);
            if (start.Worker > 0) _items = new WorkerInput(_records, _stopping.Token);
            _input = (IJobInput?)_items ?? new JobInput(start.OpenInput(_descriptors, _stopping.Token), ReportUnreadable, _stopping.Token);
            // The writers on other hosts wait for that.
            if (_passed is null && start.InputTransport is not null) Forward(JobStreamId.Listening, null);
            return start;
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            return e;
        }
    }

    private int[] ReceiveDescriptors(int count)
    {
        var message = new MessageBuffer();
        _passed!.Receive(message, default, _stopping.Token);
        var descriptors = message.TakeHandles();
        if (descriptors.Count == count) return [.. descriptors.Select(static d => d.Release())];
        throw new IpcException(IpcErrors.LimitReached, "The job's process can't have as many descriptors as it was passed.", null,
            "Raise the limit RLIMIT_NOFILE (ulimit -n).");
    }

    private void OnAttached(AttachedMessage message)
    {
        Forward(JobStreamId.Attached, message.ToBag());
        if (message.Error is not null) Stop();
    }

    private void Redirect(RedirectMessage redirection)
    {
        try
        {
            _output.Redirect(redirection);
        }
        catch (IpcException e)
        {
            // Perhaps the reader has just ended. The parent knows.
            _records.Send(JobStreamId.Redirected, e.Message);
            Stop();
        }
    }
}
