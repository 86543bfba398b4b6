using System.Buffers;
using System.Globalization;

namespace IpcPs.Addresses;

/// <summary>The schemes of a message broker: <c>nats:</c> and <c>tls:</c>. An address never contains a user or a password.</summary>
internal static class BrokerAddressParser
{
    private const int DefaultPort = 4222;
    private const string TopicQuery = "?type=topic";

    // What NATS allows in the name of no stream.
    private static readonly SearchValues<char> NotInName = SearchValues.Create(" .*>/\\?");

    public static IpcAddress Parse(IpcScheme scheme, string text, string rest)
    {
        var word = AddressParser.Word(scheme);
        var isTopic = rest.EndsWith(TopicQuery, StringComparison.OrdinalIgnoreCase);
        if (isTopic) rest = rest[..^TopicQuery.Length];
        var slashes = rest.StartsWith("//", StringComparison.Ordinal);
        // A password may have a '/': what is before the last '@' is not repeated. Nor is it where the '//' is missing.
        if (rest.LastIndexOf('@') is >= 0 and var at && rest.Contains('/', StringComparison.Ordinal)) throw HasSecret(scheme, rest[at..]);
        var end = slashes ? rest.IndexOf('/', 2) : -1;
        var authority = !slashes ? "" : end < 0 ? rest[2..] : rest[2..end];
        if (slashes && end < 0) throw AddressParser.Invalid(text, $"it must be '{word}://HOST/NAME' or '{word}:NAME'");
        var host = slashes ? Hosts(text, word, authority) : null;
        var name = end < 0 ? rest : rest[(end + 1)..];
        // The other queries of this library have other words, and a name has no '?'.
        if (name.Contains('?', StringComparison.Ordinal)) throw AddressParser.Invalid(text, "after '?' it must have 'type=topic'");
        if (isTopic) CheckTopic(text, name);
        else CheckQueue(text, name);
        var full = host is null ? $"{word}:{name}" : $"{word}://{host}/{name}";
        return new IpcAddress(scheme, isTopic ? full + TopicQuery : full) { Name = name, Host = host, IsTopic = isTopic };
    }

    private static string Hosts(string text, string word, string authority)
    {
        var hosts = authority.Split(',');
        for (var i = 0; i < hosts.Length; i++) hosts[i] = Host(text, word, hosts[i]);
        return string.Join(',', hosts);
    }

    private static string Host(string text, string word, string host)
    {
        var colon = host.LastIndexOf(':');
        // An IPv6 address has colons of its own, in brackets.
        if (colon < host.LastIndexOf(']')) colon = -1;
        var port = DefaultPort;
        if (colon >= 0 && (!int.TryParse(host.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            || port is < 1 or > ushort.MaxValue))
        {
            throw AddressParser.Invalid(text, "a port is a number of 1 to 65535");
        }
        var name = colon < 0 ? host : host[..colon];
        if (Uri.CheckHostName(name) is UriHostNameType.Unknown or UriHostNameType.Basic)
        {
            throw AddressParser.Invalid(text,
                $"'{NameRules.Shorten(name)}' is not the name of a host; it must be '{word}://HOST[:PORT]/NAME'");
        }
        name = name.ToLowerInvariant();
        return port == DefaultPort ? name : string.Create(CultureInfo.InvariantCulture, $"{name}:{port}");
    }

    private static void CheckQueue(string text, string name)
    {
        if (name.Length == 0) throw NameRules.Invalid(text, "the name is empty");
        if (name.AsSpan().IndexOfAny(NotInName) >= 0)
        {
            throw NameRules.Invalid(text,
                "the name of a queue of NATS has no space and none of the characters . * > / \\ ? (a topic may have '.': '?type=topic')");
        }
        NameRules.CheckCharacters(text, name);
        NameRules.CheckLength(text, name, NameRules.MaxFileName);
    }

    private static void CheckTopic(string text, string name)
    {
        NameRules.CheckCharacters(text, name);
        NameRules.CheckLength(text, name, NameRules.MaxFileName);
        var tokens = name.Split('.');
        for (var i = 0; i < tokens.Length; i++)
        {
            var isPattern = tokens[i] == "*" || (tokens[i] == ">" && i == tokens.Length - 1);
            if (tokens[i].Length == 0 || (!isPattern && tokens[i].AsSpan().IndexOfAny(" *>") >= 0))
            {
                throw NameRules.Invalid(text,
                    "a topic is made of words with '.' between them; a word is '*' for any one, and the last one '>' for any number");
            }
        }
    }

    // Neither the message nor its target may repeat it.
    private static IpcException HasSecret(IpcScheme scheme, string rest)
    {
        var shown = NameRules.Shorten($"{AddressParser.Word(scheme)}://***{rest}");
        return new IpcException(IpcErrors.InvalidAddress,
            $"'{shown}' is not an address: it contains a user or a password, and addresses are shown in tables and errors.", shown)
        { Advice = IpcAdvice.PassCredential };
    }
}
