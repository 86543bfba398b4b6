using System.Globalization;
using IpcPs.Tests.Rings;

namespace IpcPs.Strength.Kills;

/// <summary>Kills processes in the middle of their work, and accounts for every message.</summary>
internal sealed class KillAttack(KillTarget target, Victims victims, bool withLarge) : IAttack
{
    private const int Senders = 2;

    private readonly List<Side> _all = [];
    private AttackContext _context = null!;
    private IpcAddress _address = null!;
    private int _killed;

    public string Name =>
        $"kill -9, {target.Name}, {(victims == Victims.Senders ? "senders" : "anybody")}{(withLarge ? ", large" : "")}";

    public void Run(AttackContext context)
    {
        _context = context;
        _address = target.Create(context);
        for (var i = 0; i < target.Receivers; i++) Go(sends: false);
        for (var i = 0; i < Senders; i++) Go(sends: true);
        for (var round = 0; round < context.Settings.Rounds && context.Faults.Count == 0; round++)
        {
            if (!Progresses()) return;
            for (var spins = context.Random.Next(20_000); spins > 0; spins--) Thread.SpinWait(1);
            foreach (var victim in Choose())
            {
                victim.Kill();
                _killed++;
                Go(victim.Sends);
            }
        }
        if (!Progresses()) return;
        foreach (var sender in Alive(sends: true)) sender.Kill();
        Judge();
    }

    private List<Side> Choose()
    {
        if (victims == Victims.Senders) return [Pick(Alive(sends: true))];
        return _context.Random.Next(8) switch
        {
            // Receivers first, so that their death meets senders at work.
            0 => [.. Alive(sends: false), .. Alive(sends: true)],
            < 4 => [Pick(Alive(sends: false))],
            _ => [Pick(Alive(sends: true))],
        };
    }

    private Side Pick(List<Side> sides) => sides[_context.Random.Next(sides.Count)];

    private List<Side> Alive(bool sends) => [.. _all.Where(s => s.Sends == sends && s.IsAlive)];

    /// <summary>Waits until every living process has got something done since now.</summary>
    private bool Progresses()
    {
        foreach (var side in _all.Where(static s => s.IsAlive).ToList())
        {
            var before = side.Count;
            if (AttackContext.Until(() => side.Count > before || !side.IsRunning) && side.IsRunning) continue;
            _context.Fault(side.IsRunning
                ? $"A {side.Role} stands still after {_killed} kills, with {before} messages."
                : $"A {side.Role} ended by itself after {_killed} kills.");
            return false;
        }
        return true;
    }

    private void Judge()
    {
        var killedReceivers = _all.Count(static s => !s.Sends && !s.IsAlive);
        var allowed = killedReceivers == 0 ? 0 : target.LostWithReceiver * killedReceivers;
        var acknowledged = _all.Where(static s => s.Sends).Sum(static s => s.Count);
        // Until nothing more arrives.
        AttackContext.Until(() => Lost() <= (allowed ?? 0), allowed is null ? 2 : 60);
        var lost = Lost();
        var all = _all.Where(static s => !s.Sends).SelectMany(static s => s.Received).ToList();
        var messages = all.Where(static m => m >= 0).ToList();
        var torn = all.Count(static m => m == KillReceiver.Torn);
        if (all.Contains(-1)) _context.Fault($"{all.Count(static m => m == -1)} messages were not whole.");
        if (messages.Count != messages.Distinct().Count()) _context.Fault("A message was received twice.");
        if (lost > allowed) _context.Fault($"{lost} of {acknowledged} sent messages are lost, with {killedReceivers} killed receivers.");
        if (torn > _killed) _context.Fault($"{torn} torn messages were reported, with {_killed} killed processes.");
        var text = string.Create(CultureInfo.InvariantCulture, $"{_killed} kills, {acknowledged:N0} sent, {lost} lost, {torn} torn");
        _context.Figures = text;

        long Lost()
        {
            var received = _all.Where(static s => !s.Sends).SelectMany(static s => s.Received).Where(static m => m >= 0).ToHashSet();
            return _all.Where(static s => s.Sends).Sum(s =>
                Enumerable.Range(1, (int)s.Count).LongCount(n => !received.Contains((s.Number << 32) | (long)n)));
        }
    }

    private void Go(bool sends)
    {
        var ledger = _context.Own(new CrashLedger(Path.Combine(_context.Folder, _context.NewName())));
        var process = _context.Start(
            sends ? "kill-sender" : "kill-receiver", _address.Text, ledger.Path, withLarge.ToString(CultureInfo.InvariantCulture));
        var side = new Side(process, ledger, sends, _all.Count(s => s.Sends == sends) + 1);
        process.Expect("ready");
        process.WriteLine(side.Number.ToString(CultureInfo.InvariantCulture));
        if (!sends) process.Expect("open");
        _all.Add(side);
    }
}
