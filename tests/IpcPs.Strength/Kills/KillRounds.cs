namespace IpcPs.Strength.Kills;

/// <summary>Kill -9 for every mechanism that carries messages: senders, receivers, everybody; with small messages and with large.</summary>
internal sealed class KillRounds : IAttackGroup
{
    public IEnumerable<IAttack> Attacks =>
        from target in KillTarget.All
        from victims in (Victims[])[Victims.Senders, Victims.Anybody]
        from withLarge in (bool[])[false, true]
        select new KillAttack(target, victims, withLarge);
}

/// <summary>Who is killed.</summary>
internal enum Victims
{
    /// <summary>Senders only: then nothing whose send returned may be lost.</summary>
    Senders,

    /// <summary>A sender, a receiver, or all at once.</summary>
    Anybody,
}
