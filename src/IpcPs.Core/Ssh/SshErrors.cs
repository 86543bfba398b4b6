namespace IpcPs.Ssh;

/// <summary>What ssh says, as errors. OpenSSH does not translate its messages.</summary>
internal static class SshErrors
{
    /// <summary>Why ssh could not log in.</summary>
    /// <param name="target">The host.</param>
    /// <param name="said">What ssh said.</param>
    public static IpcException NotConnected(SshTarget target, IReadOnlyList<string> said)
    {
        var (id, what, action) = said.Select(Known).FirstOrDefault(static k => k.Id is not null);
        return new IpcException(id ?? IpcErrors.ConnectionFailed,
            $"{what ?? "There is no connection to"} '{target}'.{Words(said)}", target.HostName, action ?? Default(target));
    }

    /// <summary>The error for a connection that has ended by itself.</summary>
    public static IpcException Lost(SshTarget target, IReadOnlyList<string> said) =>
        new(IpcErrors.ConnectionLost, $"lost its connection to '{target}'.{Words(said)}", target.HostName,
            "Check the network and the host, and start the job again.");

    /// <summary>What ssh, or the far shell, said.</summary>
    public static string Words(IReadOnlyList<string> said) => said.Count == 0 ? "" : $" ssh says: {string.Join('\n', said)}";

    private static string Default(SshTarget target) => $"Try 'ssh {target}' at a prompt; 'ssh -v {target}' shows each step.";

    private static (IpcErrorId? Id, string? What, string? Action) Known(string line) =>
        Has(line, "Could not resolve hostname") ? (IpcErrors.HostNotFound, "There is no host", "Check its name.")
        : Has(line, "Host key verification failed") || Has(line, "REMOTE HOST IDENTIFICATION HAS CHANGED")
            ? (IpcErrors.HostNotTrusted, "ssh does not know the key of the host",
                "Connect once with ssh at a prompt, and compare the key's fingerprint; or add the key to known_hosts.")
        : Has(line, "Permission denied (") || Has(line, "Too many authentication failures")
            ? (IpcErrors.LoginRefused, "The login was refused by the host",
                "A job cannot ask for a password: use a key that needs none, or that ssh-agent has.")
        : default;

    private static bool Has(string line, string text) => line.Contains(text, StringComparison.Ordinal);
}
