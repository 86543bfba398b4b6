using IpcPs.Rings;

namespace IpcPs.Tests.Rings.Model;

/// <summary>What must be true when nothing can happen any more.</summary>
internal static class ModelVerdict
{
    public static void Evaluate(ModelState state)
    {
        foreach (var actor in state.Actors)
        {
            if (actor.Status is ActorStatus.Finished or ActorStatus.Dead) continue;
            throw new ModelException(
                $"participant {actor.Token} is {actor.Status} on {actor.SleepsOn} forever: memory {string.Join(' ', state.Memory)}");
        }
        var readers = state.Actors.Where(static a => !a.IsWriter).ToArray();
        var writers = state.Actors.Where(static a => a.IsWriter).ToArray();
        foreach (var reader in readers)
        {
            foreach (var writer in writers)
            {
                var fromOne = reader.Log.Where(m => m / 100 == writer.Token).ToArray();
                if (!fromOne.SequenceEqual(fromOne.Distinct().Order()))
                    throw new ModelException($"reader {reader.Token} got {string.Join(',', reader.Log)}");
                if (fromOne.Any(m => m % 100 > writer.Done || (m % 100 == writer.Done && writer.Status != ActorStatus.Dead)))
                    throw new ModelException("a message that no writer sent");
            }
        }
        if (state.Delivery == RingDelivery.Queue) JudgeQueue(state, readers, writers);
        else JudgeBroadcast(state, readers, writers);
    }

    private static void JudgeQueue(ModelState state, ModelActor[] readers, ModelActor[] writers)
    {
        var received = readers.SelectMany(static r => r.Log).ToArray();
        if (received.Distinct().Count() != received.Length) throw new ModelException($"received twice: {string.Join(',', received)}");
        // While a reader lives, what was sent is received, except what a dead reader had in its hand.
        if (readers.All(static r => r.Status == ActorStatus.Dead)) return;
        var lost = writers.SelectMany(static w => w.Log).Except(received).Count();
        if (lost > readers.Count(static r => r.Status == ActorStatus.Dead))
            throw new ModelException($"{lost} messages lost: received {string.Join(',', received)}");
        if (writers.Any(static w => w.GaveUp)) throw new ModelException("a writer gave up, and there is a reader");
    }

    private static void JudgeBroadcast(ModelState state, ModelActor[] readers, ModelActor[] writers)
    {
        foreach (var reader in readers.Where(static r => r.Status == ActorStatus.Finished))
        {
            var missed = writers.SelectMany(static w => w.Log).Except(reader.Log).Count();
            // A dead writer's last message may have been committed, and dropped: it is counted then.
            var unsure = writers.Count(static w => w.Status == ActorStatus.Dead);
            if (state.Delivery == RingDelivery.BroadcastHold ? missed > 0 : reader.Lost < missed || reader.Lost > missed + unsure)
                throw new ModelException(
                    $"reader {reader.Token} got {string.Join(',', reader.Log)}, learned of {reader.Lost} lost, and missed {missed}");
        }
    }
}
