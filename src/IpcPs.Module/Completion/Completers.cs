using System.Buffers;
using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Module.Jobs.Pools;
using IpcPs.Signals;
using IpcPs.Ssh;

namespace IpcPs.Module.Completion;

/// <summary>Offers the values of a parameter that begin with the typed text, quoted where PowerShell needs it.</summary>
public abstract class IpcCompleter : IArgumentCompleter
{
    private static readonly SearchValues<char> NeedQuotes = SearchValues.Create(" '\"@?#,;&|()[]{}$`");

    /// <inheritdoc/>
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        var word = (wordToComplete ?? "").Trim('\'', '"');
        return from candidate in Candidates(commandName, word)
               where candidate.Text.StartsWith(word, StringComparison.OrdinalIgnoreCase)
               select new CompletionResult(
                   Quote(candidate.Text), candidate.Text, CompletionResultType.ParameterValue, candidate.ToolTip ?? candidate.Text);
    }

    private protected abstract IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word);

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny(NeedQuotes) < 0 ? text : "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";
}

/// <summary>Offers the addresses of the objects that exist, and the schemes.</summary>
public sealed class AddressCompleter : IpcCompleter
{
    private static readonly IpcScheme[] Locks = [IpcScheme.Mutex, IpcScheme.Sem, IpcScheme.SysVSem];
    private static readonly IpcScheme[] Memory = [IpcScheme.Shm, IpcScheme.SysVShm, IpcScheme.File, IpcScheme.MemFd];
    private static readonly IpcScheme[] Sockets = [IpcScheme.Unix, IpcScheme.Tcp, IpcScheme.Udp];
    private static readonly IpcScheme[] Channels = [.. Enum.GetValues<IpcScheme>().Except([.. Locks, .. Memory])];

    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word)
    {
        var usable = Beginning(Schemes(command), word);
        foreach (var address in IpcMechanisms.All.SelectMany(m => m.Known(usable, word))) yield return (address.Text, null);
        if (word.Contains(':', StringComparison.Ordinal)) yield break;
        foreach (var scheme in usable) yield return (scheme.ToString().ToLowerInvariant() + ":", null);
    }

    /// <summary>The schemes whose addresses can begin with a word: no other mechanism is looked at.</summary>
    internal static IpcScheme[] Beginning(IEnumerable<IpcScheme> schemes, string word)
    {
        return [.. schemes.Where(IsBegun)];

        bool IsBegun(IpcScheme scheme)
        {
            var text = scheme.ToString() + ":";
            return text.StartsWith(word, StringComparison.OrdinalIgnoreCase) || word.StartsWith(text, StringComparison.OrdinalIgnoreCase);
        }
    }

    /// <summary>The schemes of the objects that a command can use.</summary>
    private static IpcScheme[] Schemes(string command) => command switch
    {
        "Lock-IpcObject" or "Unlock-IpcObject" or "Use-IpcLock" => Locks,
        "Read-IpcSharedMemory" or "Write-IpcSharedMemory" or "Update-IpcSharedMemory" or "Wait-IpcSharedMemory" => Memory,
        "Send-IpcMessage" or "Receive-IpcMessage" or "Invoke-IpcRequest" => Channels,
        // A client's socket has no permissions, and the listener is open already.
        "Set-IpcObject" => [.. Enum.GetValues<IpcScheme>().Except(Sockets)],
        // What ends with the process that has it open cannot be removed.
        "Remove-IpcObject" => [.. Enum.GetValues<IpcScheme>()
            .Except([IpcScheme.Pipe, IpcScheme.Fd, IpcScheme.MemFd, IpcScheme.Tcp, IpcScheme.Udp])],
        _ => Enum.GetValues<IpcScheme>(),
    };
}

/// <summary>Offers the names of the features that Test-IpcFeature tests.</summary>
public sealed class FeatureCompleter : IpcCompleter
{
    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word) =>
        IpcFeatures.Names.Select(static name => (name, (string?)null));
}

/// <summary>Offers the names of the limits that this machine has.</summary>
public sealed class LimitCompleter : IpcCompleter
{
    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word) =>
        IpcLimits.List().Select(static limit => (limit.Name, (string?)limit.Meaning));
}

/// <summary>Offers the transports that <c>-Via</c> accepts, and the addresses of the channels that exist.</summary>
public sealed class TransportCompleter : IpcCompleter
{
    private static readonly IpcScheme[] Channels =
        [IpcScheme.Fifo, IpcScheme.Unix, IpcScheme.Tcp, IpcScheme.Mq, IpcScheme.SysVMq, IpcScheme.Ring, IpcScheme.Nats, IpcScheme.Tls];

    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word) =>
        IpcMechanisms.Transports.Select(static transport => (transport.Name, (string?)null))
            .Concat(IpcMechanisms.All.SelectMany(m => m.Known(AddressCompleter.Beginning(Channels, word), word))
                .Where(static address => address.SocketType != IpcSocketType.Datagram)
                .Select(static address => (address.Text, (string?)null)));
}

/// <summary>Offers the hosts of the user's ssh configuration.</summary>
public sealed class HostCompleter : IpcCompleter
{
    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word) =>
        SshConfiguration.Hosts().Select(static host => (host, (string?)null));
}

/// <summary>Offers the names of the pools.</summary>
public sealed class PoolCompleter : IpcCompleter
{
    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word) =>
        JobPools.All().Select(static pool => (pool.Name, (string?)$"{pool.Available} of {pool.Size} children are ready"));
}

/// <summary>Offers the signals' names. A command that receives signals gets only those that can be received.</summary>
public sealed class SignalCompleter : IpcCompleter
{
    private protected override IEnumerable<(string Text, string? ToolTip)> Candidates(string command, string word)
    {
        var prefix = word.StartsWith("SIG", StringComparison.OrdinalIgnoreCase) ? "SIG" : "";
        var receives = command is not ("Send-IpcSignal" or "Get-IpcSignal");
        foreach (var signal in SignalTable.All)
        {
            if (receives ? !signal.CanReceive : signal.Kind == SignalKind.Reserved) continue;
            yield return (prefix + signal.Name, $"{signal.Number}: {signal.Description}");
            // A real-time signal has two names. The second one is offered only to a user who begins to type it.
            if (word.Length < 4) continue;
            foreach (var alias in signal.Aliases) yield return (prefix + alias, $"{signal.Number}: {signal.Description}");
        }
    }
}
