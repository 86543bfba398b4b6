namespace IpcPs.Benchmarks.Framework;

/// <summary>The other process of a measurement, found by reflection by its name.</summary>
internal interface IPeer
{
    /// <summary>The name that <see cref="Peers.Start"/> is given.</summary>
    string Name { get; }

    /// <summary>Runs until done. Prints "ready" when the measurement may begin, and at the end what the parent waits for.</summary>
    void Run(string[] args);
}
