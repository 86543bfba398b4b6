using System.Globalization;
using System.Net;

namespace IpcPs.Addresses;

/// <summary>The short text that names an IPC object: <c>mq:/jobs</c>, <c>fifo:greetings</c>, <c>pipe:4711/12</c>. Every parameter that
/// takes an object takes its address, so an object can be passed to another process as text. Parsing makes no system call, and does not
/// check whether the object exists.</summary>
public sealed class IpcAddress : IEquatable<IpcAddress>
{
    /// <summary>What follows the name of a mutex in the name of its file.</summary>
    internal const string MutexSuffix = ".mutex";

    internal IpcAddress(IpcScheme scheme, string text)
    {
        Scheme = scheme;
        Text = text;
    }

    /// <summary>Which mechanism it belongs to.</summary>
    public IpcScheme Scheme { get; }

    /// <summary>The address in its one canonical spelling.</summary>
    public string Text { get; }

    /// <summary>pipe, memfd: the process that has the descriptor.</summary>
    public int ProcessId { get; internal init; }

    /// <summary>pipe, memfd, fd: the descriptor; of a duplex end, the one to read from. Else -1.</summary>
    public int Descriptor { get; internal init; } = -1;

    /// <summary>pipe, fd: the descriptor that a duplex end writes to; else -1.</summary>
    public int WriteDescriptor { get; internal init; } = -1;

    /// <summary>The bare name: without the leading slash of a POSIX name, and without the <c>@</c> of an abstract name; else
    /// null.</summary>
    public string? Name { get; internal init; }

    /// <summary>fifo, unix, file, mutex: its path, in the runtime folder for a bare name; else null. The folder has not been
    /// checked.</summary>
    public string? Path { get; internal init; }

    /// <summary>sysvmq, sysvshm, sysvsem: the key; else null.</summary>
    public SysVKey? Key { get; internal init; }

    /// <summary>tcp, udp: address and port; else null.</summary>
    public IPEndPoint? EndPoint { get; internal init; }

    /// <summary>unix, tcp, udp: the type of the socket.</summary>
    public IpcSocketType SocketType { get; internal init; }

    /// <summary>nats, tls: <c>HOST:PORT</c> of the broker, or of several of its servers, separated by commas; null where the environment
    /// names it (NATS_URL).</summary>
    public string? Host { get; internal init; }

    /// <summary>nats, tls: whether it is a topic, which keeps no message; else it is a queue.</summary>
    public bool IsTopic { get; internal init; }

    /// <summary>unix: whether the name is in the abstract namespace, outside the file system.</summary>
    public bool IsAbstract { get; internal init; }

    /// <summary>Parses an address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidAddress"/>, <see cref="IpcErrors.InvalidName"/> or
    /// <see cref="IpcErrors.NameTooLong"/>; the text says what is wrong and what is expected.</exception>
    public static IpcAddress Parse(string text) => AddressParser.Parse(text);

    /// <summary>Parses an address; false where the text is not an address.</summary>
    public static bool TryParse(string? text, out IpcAddress? address)
    {
        address = null;
        if (text is null) return false;
        try
        {
            address = AddressParser.Parse(text);
            return true;
        }
        catch (IpcException)
        {
            return false;
        }
    }

    /// <summary>The address of an object that a scheme finds by its name. A whole address of that scheme is parsed as it is.</summary>
    /// <exception cref="IpcException">As <see cref="Parse"/>.</exception>
    public static IpcAddress OfName(IpcScheme scheme, string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var prefix = AddressParser.Word(scheme) + ":";
        return Parse(name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? name : prefix + name);
    }

    /// <summary>The address of a descriptor of a process: <c>pipe:PID/FD</c>, or with a second one for writing
    /// <c>pipe:PID/FD,FD</c>.</summary>
    public static IpcAddress OfDescriptor(IpcScheme scheme, int processId, int descriptor, int writeDescriptor = -1)
    {
        var second = writeDescriptor < 0 ? "" : "," + writeDescriptor.ToString(CultureInfo.InvariantCulture);
        var owner = scheme == IpcScheme.Fd ? "" : processId.ToString(CultureInfo.InvariantCulture) + "/";
        return new IpcAddress(scheme, $"{AddressParser.Word(scheme)}:{owner}{descriptor.ToString(CultureInfo.InvariantCulture)}{second}")
        {
            ProcessId = processId,
            Descriptor = descriptor,
            WriteDescriptor = writeDescriptor,
        };
    }

    /// <inheritdoc/>
    public bool Equals(IpcAddress? other) => other is not null && string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as IpcAddress);

    /// <inheritdoc/>
    public override int GetHashCode() => string.GetHashCode(Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Text;
}
