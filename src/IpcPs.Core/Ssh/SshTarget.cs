using System.Globalization;

namespace IpcPs.Ssh;

/// <summary>A host, and how the user's ssh program logs in there. What is not given here comes from the user's ssh configuration.</summary>
public sealed record SshTarget
{
    private SshTarget(string hostName) => HostName = hostName;

    /// <summary>The host: a name, an address, or a name of the user's ssh configuration.</summary>
    public string HostName { get; }

    /// <summary>The user there; null for ssh's default.</summary>
    public string? UserName { get; private init; }

    /// <summary>The port; null for ssh's default.</summary>
    public int? Port { get; private init; }

    /// <summary>The file with the private key; null for ssh's own ones.</summary>
    public string? KeyFilePath { get; private init; }

    /// <summary>More options, as in ssh_config(5).</summary>
    public IReadOnlyDictionary<string, string> Options { get; private init; } = new Dictionary<string, string>();

    /// <summary>What two targets have in common that can share a connection.</summary>
    internal string Key => string.Join('\n', [.. Arguments, HostName]);

    /// <summary>The arguments of ssh that say how to log in, without the host.</summary>
    internal IReadOnlyList<string> Arguments =>
    [
        .. Options.OrderBy(static o => o.Key, StringComparer.Ordinal).SelectMany(static o => new[] { "-o", $"{o.Key}={o.Value}" }),
        .. UserName is { } user ? new[] { "-l", user } : [],
        .. Port is { } port ? new[] { "-p", port.ToString(CultureInfo.InvariantCulture) } : [],
        .. KeyFilePath is { } key ? new[] { "-i", key } : [],
    ];

    /// <summary>Reads a host: <c>host</c>, <c>user@host</c>, <c>host:port</c>, <c>[2001:db8::1]:port</c>.</summary>
    /// <param name="text">The host. A user and a port in it count more than the other parameters.</param>
    /// <param name="userName">The user.</param>
    /// <param name="port">The port.</param>
    /// <param name="keyFilePath">The file with the private key.</param>
    /// <param name="options">More options, as in ssh_config(5).</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>.</exception>
    public static SshTarget Parse(string text, string? userName = null, int? port = null, string? keyFilePath = null,
        IReadOnlyDictionary<string, string>? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        var host = text;
        if (host.LastIndexOf('@') is >= 0 and var at) (userName, host) = (host[..at], host[(at + 1)..]);
        var colon = host.LastIndexOf(':');
        // An IPv6 address without brackets has colons of its own.
        if (colon >= 0 && (host[colon - (colon > 0 ? 1 : 0)] == ']' || host.IndexOf(':') == colon))
        {
            if (!int.TryParse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                throw IpcException.Argument($"'{text}' is not a host: '{host[(colon + 1)..]}' is not a port.", text);
            (port, host) = (number, host[..colon]);
        }
        if (host is ['[', .. var inner, ']']) host = inner;
        Check(host, "a host", text);
        if (userName is not null) Check(userName, "a user", text);
        if (port is < 1 or > 65535) throw IpcException.Argument($"{port} is not a port: 1 to 65535.", text);
        foreach (var (name, value) in options ?? new Dictionary<string, string>())
        {
            if (name.Length == 0 || !name.All(char.IsAsciiLetterOrDigit))
                throw IpcException.Argument($"'{name}' is not the name of an option of ssh.", text);
            if (value.AsSpan().ContainsAny('\0', '\n')) throw IpcException.Argument($"The option {name} cannot have several lines.", text);
        }
        return new SshTarget(host)
        {
            UserName = userName,
            Port = port,
            KeyFilePath = keyFilePath,
            Options = options ?? new Dictionary<string, string>(),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => HostName;

    private static void Check(string part, string what, string text)
    {
        if (part.Length == 0 || part[0] == '-' || part.Any(static c => char.IsWhiteSpace(c) || char.IsControl(c)))
            throw IpcException.Argument($"'{text}' is not a host: '{part}' is not {what}.", text);
    }
}
