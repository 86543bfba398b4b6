using System.Globalization;
using System.Net;
using System.Text;

namespace IpcPs.Addresses;

/// <summary>The socket schemes: <c>unix:</c> with its namespaces and types, <c>tcp:</c> and <c>udp:</c> on loopback only.</summary>
internal static class SocketAddressParser
{
    // sun_path has 108 bytes, including the closing NUL of a path or the opening NUL of an abstract name (unix(7)).
    private const int MaxUnixPath = 107;

    private static readonly string[] LostQueries = ["=stream", "=seqpacket", "=datagram"];

    public static IpcAddress ParseUnix(string text, string rest)
    {
        var type = IpcSocketType.Stream;
        // The last one: a name may contain the character too.
        var query = rest.LastIndexOf('?');
        // "unix:$name?type=datagram": a shell may read '$name?type' or '$name?' as the variable. What is left is another socket's address.
        if (query < 0 && Array.Find(LostQueries, q => rest.EndsWith(q, StringComparison.OrdinalIgnoreCase)) is { } lost)
            throw new IpcException(IpcErrors.InvalidAddress,
                $"'{text}' ends with '{lost}', which is what is left of '?type{lost}' when the text before it was lost.", text,
                "Keep the variable apart from the '?'.")
            { Advice = IpcAdvice.UseSocketType };
        if (query >= 0)
        {
            type = rest[(query + 1)..].ToUpperInvariant() switch
            {
                "TYPE=STREAM" => IpcSocketType.Stream,
                "TYPE=SEQPACKET" => IpcSocketType.SeqPacket,
                "TYPE=DATAGRAM" => IpcSocketType.Datagram,
                _ => throw AddressParser.Invalid(text, "after '?' it must have 'type=stream', 'type=seqpacket' or 'type=datagram'"),
            };
            rest = rest[..query];
        }
        return OfUnix(text, rest, type);
    }

    /// <summary>The address of a Unix socket that the kernel shows.</summary>
    /// <param name="name">Its path, or its abstract name after an <c>@</c>.</param>
    /// <param name="type">Its type.</param>
    /// <returns>Null where no address leads to it: it was bound to a relative path, or its name has characters that no address
    /// has.</returns>
    public static IpcAddress? TryOfKernelName(string name, IpcSocketType type)
    {
        if (!name.StartsWith('/') && !name.StartsWith('@')) return null;
        try
        {
            var folder = RuntimeFolder.Path + "/";
            var bare = name.StartsWith(folder, StringComparison.Ordinal) ? name[folder.Length..] : "";
            var isBare = bare.Length > 0 && !bare.Contains('/', StringComparison.Ordinal) && !bare.StartsWith('@');
            return OfUnix(name, isBare ? bare : name, type);
        }
        catch (IpcException)
        {
            return null;
        }
    }

    private static IpcAddress OfUnix(string text, string name, IpcSocketType type)
    {
        // A name with a '?' says its type always, so that the '?' is not taken for the beginning of one.
        var isPlain = type == IpcSocketType.Stream && !name.Contains('?', StringComparison.Ordinal);
        var suffix = isPlain ? "" : "?type=" + type.ToString().ToLowerInvariant();
        if (name.StartsWith('@'))
        {
            var hidden = name[1..];
            if (hidden.Length == 0) throw NameRules.Invalid(text, "the abstract name is empty");
            NameRules.CheckCharacters(text, hidden);
            NameRules.CheckLength(text, hidden, MaxUnixPath);
            return new IpcAddress(IpcScheme.Unix, $"unix:@{hidden}{suffix}") { Name = hidden, IsAbstract = true, SocketType = type };
        }
        if (name.StartsWith('/'))
        {
            var path = NameRules.FullPath(text, name, MaxUnixPath);
            return new IpcAddress(IpcScheme.Unix, $"unix:{path}{suffix}") { Path = path, SocketType = type };
        }
        var bare = NameRules.Bare(text, name, NameRules.MaxFileName);
        return new IpcAddress(IpcScheme.Unix, $"unix:{bare}{suffix}") { Name = bare, Path = InFolder(text, bare), SocketType = type };
    }

    private static string InFolder(string text, string bare)
    {
        var folder = RuntimeFolder.Path;
        var path = Path.Combine(folder, bare);
        var bytes = Encoding.UTF8.GetByteCount(path);
        if (bytes <= MaxUnixPath) return path;
        throw new IpcException(IpcErrors.NameTooLong,
            $"The path of '{text}' has {bytes} bytes, and the path of a Unix socket may have {MaxUnixPath}: the runtime folder '{folder}' "
            + $"takes {bytes - Encoding.UTF8.GetByteCount(bare)} of them.", text,
            "Set XDG_RUNTIME_DIR to a folder with a shorter path, choose a shorter name, or use an abstract name: 'unix:@NAME'.");
    }

    public static IpcAddress ParseInternet(IpcScheme scheme, string text, string rest)
    {
        var word = AddressParser.Word(scheme);
        var colon = rest.LastIndexOf(':');
        var host = colon < 0 ? "" : rest[..colon];
        if (colon < 0 || !ushort.TryParse(rest.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            throw AddressParser.Invalid(text, $"it must be '{word}:127.0.0.1:PORT' or '{word}:[::1]:PORT', with a port of 0 to 65535");
        var address = host.ToUpperInvariant() switch
        {
            "LOCALHOST" => IPAddress.Loopback,
            _ when host.StartsWith('[') && host.EndsWith(']') && IPAddress.TryParse(host[1..^1], out var six) => six,
            _ when !host.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(host, out var four) => four,
            _ => throw AddressParser.Invalid(text,
                $"'{host}' is not an IP address (names are not looked up; an IPv6 address needs brackets)"),
        };
        if (!IPAddress.IsLoopback(address) || (address.IsIPv4MappedToIPv6))
            throw AddressParser.Invalid(text, $"{address} is not a loopback address, and IpcPs works within one machine only");
        var endPoint = new IPEndPoint(address, port);
        return new IpcAddress(scheme, $"{word}:{endPoint}")
        {
            EndPoint = endPoint,
            SocketType = scheme == IpcScheme.Tcp ? IpcSocketType.Stream : IpcSocketType.Datagram,
        };
    }
}
