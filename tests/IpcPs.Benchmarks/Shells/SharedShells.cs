using IpcPs.Processes;

namespace IpcPs.Benchmarks.Shells;

/// <summary>The two PowerShell processes that the measurements share; started when first wanted, ended with this one.</summary>
internal static class SharedShells
{
    private static readonly Lazy<ShellSession> LazySender = new(Start);
    private static readonly Lazy<ShellSession> LazyReceiver = new(Start);

    public static ShellSession Sender => LazySender.Value;

    public static ShellSession Receiver => LazyReceiver.Value;

    private static ShellSession Start()
    {
        var session = ShellSession.Start();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => session.Dispose();
        return session;
    }
}
