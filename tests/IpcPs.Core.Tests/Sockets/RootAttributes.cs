using IpcPs.Linux;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Sockets;

/// <summary>A test with a second user in it: needs root and python3, and says so where they are missing.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute() => Skip = Reason;

    public static string? Reason => Libc.geteuid() != 0 ? "Only root can be another user too." : Peer.Has("python3") ? null
        : "python3 is not on PATH.";
}

/// <inheritdoc cref="RootFactAttribute"/>
internal sealed class RootTheoryAttribute : TheoryAttribute
{
    public RootTheoryAttribute() => Skip = RootFactAttribute.Reason;
}
