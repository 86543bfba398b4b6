using System.Runtime.InteropServices;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Tests.Rings.Model;

/// <summary>Makes one step of one participant: runs its operation from the beginning with the results of the earlier steps, makes the next
/// access to memory, and stops before the one after that. Stores go into the participant's store buffer, as on x86: others see them later,
/// in order; a locked instruction waits until they do.</summary>
internal sealed class ModelRun
{
    private static readonly StepDone Stop = new();

    private ModelState _state = null!;
    private ModelActor _actor = null!;
    private int _replayed;
    private int _stored;
    private bool _stepped;
    private bool _blocked;

    [field: ThreadStatic]
    public static ModelRun? Current { get; private set; }

    /// <summary>Makes a step in that state.</summary>
    /// <returns>False if it cannot be made: a locked instruction after stores that no other participant sees yet.</returns>
    public bool Step(ModelState state, int index)
    {
        Current = this;
        _state = state;
        _actor = state.Actors[index];
        (_replayed, _stored, _stepped, _blocked) = (0, 0, false, false);
        var writer = _actor.Writer;
        var reader = _actor.Reader;
        try
        {
            if (_actor.IsWriter) RunWriter(ref writer);
            else RunReader(ref reader);
        }
        catch (StepDone)
        {
            return !_blocked;
        }
        // The operation is over: what it knows now is what the next one begins with.
        (_actor.Writer, _actor.Reader, _actor.Stores) = (writer, reader, 0);
        _actor.Settled = _actor.Buffer.Count;
        _actor.Results.Clear();
        return true;
    }

    public long Read(int at) => Access(() => Seen(at));

    public void Store(int at, long value)
    {
        // No other participant sees it yet, so it is not a step of its own. Those that were made in an earlier run are in the buffer, or in
        // memory.
        if (_stored++ < _actor.Stores) return;
        _actor.Stores++;
        _actor.Buffer.Add((at, value));
    }

    public long Exchange(int at, long value) => Locked(() => (_state.Memory[at], _state.Memory[at] = value).Item1);

    public long CompareExchange(int at, long value, long expected) => Locked(() =>
    {
        var was = _state.Memory[at];
        if (was == expected) _state.Memory[at] = value;
        return was;
    });

    public void Fence() => Locked(static () => 0);

    /// <summary>A moment passes: whatever any participant has stored is seen by all.</summary>
    public void Settle() => Locked(() =>
    {
        foreach (var actor in _state.Actors)
        {
            while (actor.Buffer.Count > 0) _state.Drain(actor);
        }
        return 0;
    });

    public bool Ask(Func<ModelState, uint, bool> question, uint about) => Access(() => question(_state, about) ? 1 : 0) != 0;

    public void Wake(int at, int count) => Locked(() =>
    {
        _state.Wake(at, count);
        return 0;
    });

    public bool Sleep(int at, long expected) => Locked(() =>
    {
        if (_state.Memory[at] != expected) return 1;
        _actor.Status = ActorStatus.Sleeping;
        _actor.SleepsOn = at;
        // The participant that wakes this one sets the result.
        throw Stop;
    }) != 0;

    private void RunWriter(ref RingWriter<ModelMemory> writer)
    {
        if (_actor.Done == _actor.Messages || _actor.GaveUp)
        {
            Close(RingLayout.DataSleepers);
            return;
        }
        var message = _actor.MessageInHand;
        var outcome = writer.Send(default, MemoryMarshal.AsBytes<long>([message | (~message << 32)]), waitsForReaders: false, default);
        if (outcome == RingOutcome.NoPeers) _actor.GaveUp = true;
        else if (outcome == RingOutcome.Done) _actor.Log.Add(message);
        else throw new ModelException($"Send gave {outcome}");
        _actor.Done++;
    }

    private void RunReader(ref RingReader<ModelMemory> reader)
    {
        if (_actor.Done == 1)
        {
            reader.Detach();
            Close(RingLayout.SpaceSleepers);
            return;
        }
        var buffer = new MessageBuffer();
        var outcome = reader.Receive(buffer, peek: false, waitsForWriters: false, default);
        if (outcome == RingOutcome.NoPeers)
        {
            _actor.Done = 1;
            return;
        }
        if (outcome != RingOutcome.Done) throw new ModelException($"Receive gave {outcome}");
        var words = MemoryMarshal.Cast<byte, int>(buffer.Payload.Span);
        if (words.Length != 2 || words[0] != ~words[1]) throw new ModelException($"a message of {buffer.Length} bytes is not whole");
        _actor.Log.Add(words[0]);
        _actor.Lost = reader.Lost;
    }

    private void Close(int othersSleepOn)
    {
        var memory = new ModelMemory(_actor.Token);
        // A system call: what was stored before it is seen before it.
        Locked(() =>
        {
            _actor.IsAttached = false;
            return 0;
        });
        RingEventCount.WakeAll(ref memory, othersSleepOn);
        _actor.Status = ActorStatus.Finished;
    }

    private long Access(Func<long> access)
    {
        if (_replayed < _actor.Results.Count) return _actor.Results[_replayed++];
        if (_stepped) throw Stop;
        _stepped = true;
        var result = access();
        _actor.Results.Add(result);
        _replayed++;
        return result;
    }

    private long Locked(Func<long> access) => Access(() =>
    {
        if (_actor.Buffer.Count == 0) return access();
        _blocked = true;
        throw Stop;
    });

    private long Seen(int at)
    {
        for (var i = _actor.Buffer.Count - 1; i >= 0; i--)
        {
            if (_actor.Buffer[i].At == at) return _actor.Buffer[i].Value;
        }
        return _state.Memory[at];
    }

    private sealed class StepDone : Exception;
}
