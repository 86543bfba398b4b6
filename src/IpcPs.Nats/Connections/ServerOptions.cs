using IpcPs.Brokers;
using NATS.Client.Core;

namespace IpcPs.Nats.Connections;

/// <summary>Which server an address means, and how it knows this user: from the address, the caller and the environment. The words of the
/// environment are those of NATS's own tools.</summary>
internal sealed class ServerOptions : IEquatable<ServerOptions>
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly string?[] _parts;

    private ServerOptions(string url, string shown, bool isTls, string?[] login)
    {
        (Url, Shown, IsTls) = (url, shown, isTls);
        _parts = [url, .. login];
    }

    /// <summary>The servers, as the client wants them. Without a user.</summary>
    public string Url { get; }

    /// <summary>The servers, for messages.</summary>
    public string Shown { get; }

    /// <summary>Whether TLS is required.</summary>
    public bool IsTls { get; }

    /// <summary>Whether a user, a file with one, or a certificate is given.</summary>
    public bool HasLogin => _parts[1] is not null || _parts[3] is not null || _parts[5] is not null;

    public static ServerOptions Of(IpcAddress address, BrokerLogin? login)
    {
        var isTls = address.Scheme == IpcScheme.Tls;
        string? user = null, password = null;
        string url;
        if (address.Host is { } hosts)
        {
            var scheme = isTls ? "tls" : "nats";
            url = string.Join(',', hosts.Split(',').Select(h => $"{scheme}://{h}"));
        }
        else
        {
            url = FromEnvironment(ref isTls, out user, out password);
        }
        user = login?.UserName ?? user ?? Environment.GetEnvironmentVariable("NATS_USER");
        password = login?.Password ?? password ?? Environment.GetEnvironmentVariable("NATS_PASSWORD");
        // A credential that the caller passes replaces a file that the environment names, and a file replaces a user.
        var file = login?.CredentialPath ?? (login?.UserName is null ? Environment.GetEnvironmentVariable("NATS_CREDS") : null);
        if (login?.CredentialPath is not null) user = password = null;
        return new ServerOptions(url, url.Replace("nats://", "", StringComparison.Ordinal).Replace("tls://", "", StringComparison.Ordinal),
            isTls,
            [
                Filled(user), Filled(password), Filled(file),
                Filled(login?.CaPath ?? Environment.GetEnvironmentVariable("NATS_CA")),
                Filled(login?.CertificatePath ?? Environment.GetEnvironmentVariable("NATS_CERT")),
                Filled(login?.KeyPath ?? Environment.GetEnvironmentVariable("NATS_KEY")),
            ]);
    }

    /// <summary>The options of the client.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: a file does not exist.</exception>
    public NatsOpts ToClient()
    {
        foreach (var path in _parts.Skip(3))
        {
            if (path is not null && !File.Exists(path)) throw new IpcException(IpcErrors.NotFound, $"There is no file '{path}'.", path);
        }
        var hasTls = IsTls || _parts[4] is not null || _parts[5] is not null;
        return new NatsOpts
        {
            Url = Url,
            Name = $"IpcPs {Environment.ProcessId}",
            AuthOpts = new NatsAuthOpts { Username = _parts[1], Password = _parts[2], CredsFile = _parts[3] },
            TlsOpts = new NatsTlsOpts
            {
                CaFile = _parts[4],
                CertFile = _parts[5],
                KeyFile = _parts[6],
                Mode = hasTls ? TlsMode.Require : TlsMode.Auto,
            },
            ConnectTimeout = ConnectTimeout,
            ReconnectWaitMin = TimeSpan.FromMilliseconds(50),
            ReconnectWaitMax = TimeSpan.FromSeconds(1),
            ReconnectJitter = TimeSpan.FromMilliseconds(50),
            MaxReconnectRetry = -1,
            // The other one makes a subscription for each request.
            RequestReplyMode = NatsRequestReplyMode.SharedInbox,
        };
    }

    // 'tls:NAME' and 'nats:NAME' may have one URL, that of the environment: an encrypted connection is never one that is not.
    public bool Equals(ServerOptions? other) =>
        other is not null && IsTls == other.IsTls && _parts.AsSpan().SequenceEqual(other._parts);

    public override bool Equals(object? obj) => Equals(obj as ServerOptions);

    public override int GetHashCode() => HashCode.Combine(Url, IsTls);

    private static string? Filled(string? text) => string.IsNullOrEmpty(text) ? null : text;

    // NATS_URL may contain a user: it is not shown, and goes to the client apart from the address.
    private static string FromEnvironment(ref bool isTls, out string? user, out string? password)
    {
        user = password = null;
        var urls = new List<string>();
        foreach (var text in (Filled(Environment.GetEnvironmentVariable("NATS_URL")) ?? "nats://localhost:4222").Split(','))
        {
            var url = text.Trim();
            if (!url.Contains("://", StringComparison.Ordinal)) url = "nats://" + url;
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("nats" or "tls") || uri.Host.Length == 0)
            {
                throw new IpcException(IpcErrors.InvalidAddress,
                    "The environment variable NATS_URL does not contain the address of a server.", "NATS_URL",
                    "Set it to 'nats://HOST[:PORT]', or to several of them with ',' between them.");
            }
            isTls |= uri.Scheme == "tls";
            if (uri.UserInfo.Length > 0)
            {
                var parts = uri.UserInfo.Split(':', 2);
                user = Uri.UnescapeDataString(parts[0]);
                password = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null;
            }
            urls.Add($"{uri.Scheme}://{uri.Host}:{(uri.Port > 0 ? uri.Port : 4222)}");
        }
        return string.Join(',', urls);
    }
}
