namespace IpcPs.Nats.Tests.Fixture;

/// <summary>A test that needs nats-server, and is skipped with that reason where it is missing. <c>.ci/run</c> fails there.</summary>
internal sealed class NatsFactAttribute : FactAttribute
{
    public NatsFactAttribute() => Skip = NatsServer.Missing;
}

/// <inheritdoc cref="NatsFactAttribute"/>
internal sealed class NatsTheoryAttribute : TheoryAttribute
{
    public NatsTheoryAttribute() => Skip = NatsServer.Missing;
}
