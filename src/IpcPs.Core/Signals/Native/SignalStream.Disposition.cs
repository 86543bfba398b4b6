using System.Diagnostics;
using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <content>Installs the handler of a signal and restores the earlier one.</content>
internal sealed unsafe partial class SignalStream
{
    /// <summary>Does what the process would have done with the signal without IpcPs.</summary>
    public void RunPrevious()
    {
        if (_page is null)
        {
            RaiseAsBefore(default);
            return;
        }
        nint handler;
        Libc.SigAction previous;
        lock (_lock)
        {
            if (!_isInstalled)
            {
                _ = Libc.kill(Libc.getpid(), _signal.Number);
                return;
            }
            previous = _previous;
            handler = previous.Handler;
        }
        if (handler == Libc.SIG_IGN) return;
        if (handler == Libc.SIG_DFL)
        {
            RaiseAsBefore(previous);
            return;
        }
        // The recorder passes a signal with this code to the earlier handler.
        var process = Libc.getpid();
        var info = new Libc.SigInfo { Signal = _signal.Number, Code = SignalCodes.Pass, ProcessId = process, UserId = Libc.getuid() };
        _ = Libc.rt_sigqueueinfo(process, _signal.Number, &info);
    }

    private void RaiseAsBefore(Libc.SigAction previous)
    {
        // The default action may end the process. If it does not (the process stops and continues, or nothing happens), the handler is put
        // back.
        Libc.SigAction ours;
        if (Libc.sigaction(_signal.Number, &previous, &ours) != 0) return;
        var mask = stackalloc ulong[16];
        new Span<ulong>(mask, 16).Clear();
        mask[0] = _signal.Mask;
        var before = stackalloc ulong[16];
        _ = Libc.pthread_sigmask(1 /* SIG_UNBLOCK */, mask, before);
        _ = Libc.tgkill(Libc.getpid(), Libc.gettid(), _signal.Number);
        _ = Libc.pthread_sigmask(2 /* SIG_SETMASK */, before, null);
        _ = Libc.sigaction(_signal.Number, &ours, null);
    }

    private void Begin()
    {
        if (_page is null)
        {
            _fallback = PosixSignalRegistration.Create((PosixSignal)_signal.Number, OnFallback);
            return;
        }
        _restoring?.Dispose();
        _restoring = null;
        Discard();
        Install(_page);
        var slot = _page[_signal.Number];
        slot->Chain = SignalTable.IsObserved(_signal.Number) ? slot->Previous : 0;
        // From here on the handler records.
        Volatile.Write(ref slot->Descriptor, _pipeWriter!.Number);
        if (_signal.IsRealTime) ThreadMasks.Block(_page, _signal);
        _readsSignals = _signal.IsRealTime || ThreadMasks.IsBlockedEverywhere(_signal);
    }

    private void Install(HandlerPage page)
    {
        Libc.SigAction current;
        if (Libc.sigaction(_signal.Number, null, &current) != 0)
            throw IpcException.FromErrno("sigaction", Marshal.GetLastPInvokeError(), _signal.Name);
        if (current.Handler == page.Recorder) return;
        // Another handler was put in front of ours, and calls ours. Ours must not call it in turn.
        if (_isInstalled && SignalTable.IsObserved(_signal.Number)) return;
        if (!_isInstalled) _previous = current;
        var isFunction = current.Handler is not (Libc.SIG_DFL or Libc.SIG_IGN);
        if (!_isInstalled) page[_signal.Number]->Previous = isFunction ? current.Handler : 0;
        HandlerPage.Install(_signal.Number, page.Recorder, isFunction ? &current : null);
        _isInstalled = true;
    }

    private void End()
    {
        if (_page is null)
        {
            _fallback?.Dispose();
            _fallback = null;
            return;
        }
        var isQuiet = IsQuiet();
        Volatile.Write(ref _page[_signal.Number]->Descriptor, -1);
        // What is still queued reaches the handler now, which discards it.
        if (_signal.IsRealTime) ThreadMasks.Unblock(_page, _signal);
        Discard();
        if (isQuiet || !WouldEndProcess()) Restore();
        else RestoreWhenQuiet();
    }

    // A process that still sends does not know that this one no longer listens. The default action would end this process.
    private bool WouldEndProcess() =>
        _previous.Handler == Libc.SIG_DFL
        && (_signal.IsRealTime || _signal.Name is "USR1" or "USR2" or "ALRM" or "VTALRM" or "PROF" or "IO" or "PWR");

    private bool IsQuiet()
    {
        Fetch();
        return _lastArrival == 0 || Stopwatch.GetElapsedTime(_lastArrival) >= Quiet;
    }

    private void RestoreWhenQuiet()
    {
        _passedBefore = Volatile.Read(ref _page![_signal.Number]->Passed);
        _restoring = new Timer(static s => ((SignalStream)s!).RestoreIfQuiet(), this, Quiet, System.Threading.Timeout.InfiniteTimeSpan);
    }

    private void RestoreIfQuiet()
    {
        lock (_lock)
        {
            if (_restoring is null || IsInUse) return;
            var passed = Volatile.Read(ref _page![_signal.Number]->Passed);
            if (passed != _passedBefore)
            {
                _passedBefore = passed;
                _restoring.Change(Quiet, System.Threading.Timeout.InfiniteTimeSpan);
                return;
            }
            _restoring.Dispose();
            _restoring = null;
            Restore();
        }
    }

    private void Restore()
    {
        Libc.SigAction current;
        if (Libc.sigaction(_signal.Number, null, &current) != 0) return;
        // Another handler that was put in front of ours calls ours, which passes everything to the earlier handler.
        if (current.Handler != _page!.Recorder) return;
        var previous = _previous;
        if (Libc.sigaction(_signal.Number, &previous, null) == 0) _isInstalled = false;
    }

    private void Discard()
    {
        var buffer = stackalloc byte[RecordSize * 8];
        while (Libc.read(_pipeReader!, buffer, RecordSize * 8) > 0)
        {
        }
        while (_readsSignals && Libc.read(_signals!, buffer, RecordSize * 8) > 0)
        {
        }
        _recordsRead = Volatile.Read(ref _page![_signal.Number]->Recorded);
        _lostReported = Lost;
        _queue.Clear();
    }
}
