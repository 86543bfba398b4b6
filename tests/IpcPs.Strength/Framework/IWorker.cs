namespace IpcPs.Strength.Framework;

/// <summary>The role of a child process, found by reflection by its name.</summary>
internal interface IWorker
{
    /// <summary>The name that <see cref="AttackContext.Start"/> is given.</summary>
    string Name { get; }

    /// <summary>Plays the role. It writes "ready" when it is warm.</summary>
    void Run(string[] args);
}
