using System.Globalization;
using System.Net;

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
        var query = rest.IndexOf('?', StringComparison.Ordinal);
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
        var suffix = type == IpcSocketType.Stream ? "" : "?type=" + type.ToString().ToLowerInvariant();
        if (rest.StartsWith('@'))
        {
            var name = rest[1..];
            if (name.Length == 0) throw NameRules.Invalid(text, "the abstract name is empty");
            NameRules.CheckCharacters(text, name);
            NameRules.CheckLength(text, name, MaxUnixPath);
            return new IpcAddress(IpcScheme.Unix, $"unix:@{name}{suffix}") { Name = name, IsAbstract = true, SocketType = type };
        }
        if (rest.StartsWith('/'))
        {
            var path = NameRules.FullPath(text, rest, MaxUnixPath);
            return new IpcAddress(IpcScheme.Unix, $"unix:{path}{suffix}") { Path = path, SocketType = type };
        }
        var bare = NameRules.Bare(text, rest, NameRules.MaxFileName);
        var inFolder = Path.Combine(RuntimeFolder.Path, bare);
        NameRules.CheckLength(text, inFolder, MaxUnixPath);
        return new IpcAddress(IpcScheme.Unix, $"unix:{bare}{suffix}") { Name = bare, Path = inFolder, SocketType = type };
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
