using System.Text;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;

namespace IpcPs.Tests.Rings.Model;

/// <summary>Goes through every interleaving of the participants' steps, with participants killed before any of them, and checks every
/// end.</summary>
/// <param name="delivery">Which ring.</param>
/// <param name="maxKills">How many participants may be killed.</param>
/// <param name="maxPreemptions">How often a participant that could go on may be interrupted, or one killed. With many
/// participants there are too many interleavings; most faults show in those with a few interruptions.</param>
internal sealed class ModelChecker(RingDelivery delivery, int maxKills, int maxPreemptions)
{
    private readonly ModelRun _run = new();
    private readonly HashSet<(ulong, ulong)> _seen = [];
    private readonly List<string> _path = [];

    public int States => _seen.Count;

    public int Ends { get; private set; }

    /// <summary>Runs writers of so many messages each against so many readers that receive until the end.</summary>
    public void Check(int[] messages, int readers)
    {
        var actors = new List<ModelActor>();
        for (var i = 0; i < messages.Length + readers; i++)
        {
            var memory = new ModelMemory((uint)i + 1);
            var isWriter = i < messages.Length;
            var actor = new ModelActor
            {
                Token = memory.Token,
                IsWriter = isWriter,
                Messages = isWriter ? messages[i] : 0,
                Writer = new RingWriter<ModelMemory>(memory, delivery),
                Reader = new RingReader<ModelMemory>(memory, delivery),
            };
            if (!isWriter && delivery != RingDelivery.Queue)
                Begin(actor, delivery == RingDelivery.BroadcastHold ? i - messages.Length : -1);
            actors.Add(actor);
        }
        var state = new ModelState { Actors = [.. actors], Delivery = delivery };
        state.Memory[ModelState.Field(RingLayout.WritersEver)] = messages.Length;
        state.Memory[ModelState.Field(RingLayout.ReadersEver)] = readers;
        for (var i = 0; i < readers && delivery == RingDelivery.BroadcastHold; i++)
            state.Memory[ModelState.Field(RingLayout.Slot(i) + RingLayout.SlotToken)] = messages.Length + i + 1;
        try
        {
            Explore(state, -1, 0);
        }
        catch (ModelException failure)
        {
            throw new ModelException(failure.Message + "\n" + string.Join("\n", _path));
        }
    }

    private static void Begin(ModelActor actor, int slot)
    {
        var reader = actor.Reader;
        reader.Begin(slot, 0, 0);
        actor.Reader = reader;
    }

    private void Explore(ModelState state, int running, int preemptions)
    {
        var (first, second) = state.Fingerprint();
        if (maxPreemptions < int.MaxValue) second = (second * 31) + (ulong)((running * 100) + preemptions);
        if (!_seen.Add((first, second))) return;
        var canGoOn = false;
        // Going on with the one that runs is free; so is another one where it cannot.
        var runs = running >= 0 && state.Actors[running].Status == ActorStatus.Ready;
        for (var i = 0; i < state.Actors.Length; i++)
        {
            var actor = state.Actors[i];
            var cost = runs && i != running ? 1 : 0;
            if (actor.Status == ActorStatus.Ready && preemptions + cost <= maxPreemptions)
            {
                var next = state.Copy();
                _path.Add($"{i} steps");
                if (_run.Step(next, i))
                {
                    canGoOn = true;
                    _path[^1] = Describe(i, next.Actors[i]);
                    Explore(next, i, preemptions + cost);
                }
                _path.RemoveAt(_path.Count - 1);
            }
            if (actor.Status != ActorStatus.Dead && actor.Buffer.Count > 0)
            {
                canGoOn = true;
                var next = state.Copy();
                var (at, value) = next.Drain(next.Actors[i]);
                Go(next, running, preemptions, $"{i} store reaches memory: [{at}] = {value}");
            }
            if (state.Kills < maxKills && preemptions < maxPreemptions && actor.Status is ActorStatus.Ready or ActorStatus.Sleeping)
            {
                var next = state.Copy();
                next.Kill(i);
                Go(next, running, preemptions + 1, $"{i} is killed");
            }
        }
        for (var i = 0; i < state.Actors.Length; i++)
        {
            if (!state.NapsOnDead(i)) continue;
            canGoOn = true;
            var next = state.Copy();
            next.WakeOne(i);
            Go(next, running, preemptions, $"{i} ends its nap");
        }
        if (state.Departures > 0)
        {
            canGoOn = true;
            var next = state.Copy();
            next.ReportDepartures();
            Go(next, running, preemptions, "the kernel reports a departure");
        }
        if (canGoOn || state.Actors.Any(static a => a.Status == ActorStatus.Ready)) return;
        Ends++;
        ModelVerdict.Evaluate(state);
    }

    private void Go(ModelState next, int running, int preemptions, string how)
    {
        _path.Add(how);
        Explore(next, running, preemptions);
        _path.RemoveAt(_path.Count - 1);
    }

    private static string Describe(int index, ModelActor after)
    {
        var text = new StringBuilder().Append(index).Append(after.Status == ActorStatus.Ready ? " steps" : $" is {after.Status}");
        if (after.Results.Count > 0) text.Append(": got ").Append(after.Results[^1]);
        return text.Append(" done ").Append(after.Done).Append(" log ").AppendJoin(',', after.Log).ToString();
    }
}
