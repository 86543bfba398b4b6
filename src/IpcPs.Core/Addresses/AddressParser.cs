using System.Collections.Frozen;
using System.Globalization;

namespace IpcPs.Addresses;

/// <summary>The grammar of addresses: one small parser for each family of schemes.</summary>
internal static class AddressParser
{
    private static readonly FrozenDictionary<string, IpcScheme> Schemes = Enum.GetValues<IpcScheme>()
        .ToFrozenDictionary(Word, static s => s, StringComparer.OrdinalIgnoreCase);

    /// <summary>The scheme as it is written.</summary>
    public static string Word(IpcScheme scheme) => scheme.ToString().ToLowerInvariant();

    /// <summary>The scheme of a word.</summary>
    public static bool TryScheme(string word, out IpcScheme scheme) => Schemes.TryGetValue(word, out scheme);

    public static IpcAddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0) throw Invalid(text, "it has no scheme; an address looks like 'mq:/jobs' or 'fifo:greetings'");
        if (!TryScheme(text[..colon], out var scheme))
            throw Invalid(text, $"'{text[..colon]}' is not a scheme; the schemes are "
                + $"{string.Join(", ", Enum.GetValues<IpcScheme>().Select(Word))}");
        var rest = text[(colon + 1)..];
        // For all schemes: a number that ends with a NUL is a number for .NET.
        NameRules.CheckCharacters(text, rest);
        return scheme switch
        {
            IpcScheme.Pipe or IpcScheme.MemFd or IpcScheme.Fd => ParseDescriptor(scheme, text, rest),
            IpcScheme.Fifo => ParsePath(scheme, text, rest),
            IpcScheme.File => rest.StartsWith('/') ? ParsePath(scheme, text, rest)
                : throw Invalid(text, "a file needs its full path, 'file:/path'"),
            IpcScheme.Mq or IpcScheme.Shm or IpcScheme.Sem or IpcScheme.Ring => ParsePosixName(scheme, text, rest),
            IpcScheme.Mutex => ParseMutex(text, rest),
            IpcScheme.SysVMq or IpcScheme.SysVShm or IpcScheme.SysVSem => ParseKey(scheme, text, rest),
            IpcScheme.Unix => SocketAddressParser.ParseUnix(text, rest),
            IpcScheme.Nats or IpcScheme.Tls => BrokerAddressParser.Parse(scheme, text, rest),
            _ => SocketAddressParser.ParseInternet(scheme, text, rest),
        };
    }

    internal static IpcException Invalid(string text, string why) =>
        new(IpcErrors.InvalidAddress, $"'{NameRules.Shorten(text)}' is not an address: {why}.", text)
        { Advice = IpcAdvice.CheckAddressForm };

    private static IpcAddress ParseDescriptor(IpcScheme scheme, string text, string rest)
    {
        var processId = 0;
        var numbers = rest;
        if (scheme != IpcScheme.Fd)
        {
            var slash = rest.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0 || !TryNumber(rest[..slash], out processId) || processId == 0)
                throw Invalid(text, $"it must be '{Word(scheme)}:PID/FD'");
            numbers = rest[(slash + 1)..];
        }
        var parts = numbers.Split(',');
        var second = -1;
        if (parts.Length > (scheme == IpcScheme.MemFd ? 1 : 2) || !TryNumber(parts[0], out var first)
            || (parts.Length == 2 && !TryNumber(parts[1], out second)))
            throw Invalid(text, "a descriptor is a number of 0 or more");
        return IpcAddress.OfDescriptor(scheme, processId, first, second);
    }

    private static IpcAddress ParsePath(IpcScheme scheme, string text, string rest)
    {
        if (rest.StartsWith('/'))
        {
            var path = NameRules.FullPath(text, rest, NameRules.MaxPath);
            return new IpcAddress(scheme, $"{Word(scheme)}:{path}") { Path = path };
        }
        var name = NameRules.Bare(text, rest, NameRules.MaxFileName);
        return new IpcAddress(scheme, $"{Word(scheme)}:{name}") { Name = name, Path = Path.Combine(RuntimeFolder.Path, name) };
    }

    private static IpcAddress ParseMutex(string text, string rest)
    {
        var name = NameRules.Bare(text, rest, NameRules.MaxFileName - 16);
        return new IpcAddress(IpcScheme.Mutex, "mutex:" + name)
        {
            Name = name,
            Path = Path.Combine(RuntimeFolder.Path, name + IpcAddress.MutexSuffix),
        };
    }

    // A POSIX name is a slash and up to 255 bytes. The slash is optional here; the canonical text has it.
    private static IpcAddress ParsePosixName(IpcScheme scheme, string text, string rest)
    {
        // sem_open(3) puts "sem." before the name, and a ring its own prefix.
        var longest = NameRules.MaxFileName - scheme switch { IpcScheme.Sem => 4, IpcScheme.Ring => 11, _ => 0 };
        var name = NameRules.Bare(text, rest.StartsWith('/') ? rest[1..] : rest, longest);
        return new IpcAddress(scheme, $"{Word(scheme)}:/{name}") { Name = name };
    }

    private static IpcAddress ParseKey(IpcScheme scheme, string text, string rest)
    {
        var key = SysVKey.TryParse(rest)
            ?? throw Invalid(text, "a key is a number like 0x2a or 42, '/path#id' (ftok), or 'id=N' for an object without a key");
        return new IpcAddress(scheme, $"{Word(scheme)}:{key}") { Key = key };
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
