namespace IpcPs.Strength.Framework;

/// <summary>One attack on the library; found by reflection, so that a new file is enough.</summary>
internal interface IAttack
{
    /// <summary>What is attacked and how: "kill -9, POSIX queue".</summary>
    string Name { get; }

    /// <summary>Does it, and reports to the context what did not hold.</summary>
    void Run(AttackContext context);
}

/// <summary>Attacks of one kind on several mechanisms; found by reflection.</summary>
internal interface IAttackGroup
{
    /// <summary>The attacks, in the order in which they run.</summary>
    IEnumerable<IAttack> Attacks { get; }
}
