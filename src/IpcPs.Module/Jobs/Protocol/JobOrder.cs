using System.Collections;
using IpcPs.Mechanisms;
using IpcPs.Processes;
using IpcPs.Transports;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>What a child is told to do, as it travels.</summary>
internal sealed class StartMessage
{
    /// <summary>The script's text.</summary>
    public required string Script { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<object?> Arguments { get; init; } = [];

    /// <summary>The values of its <c>$using:</c> expressions, by PowerShell's key for each.</summary>
    public IDictionary Using { get; init; } = new Hashtable();

    /// <summary>The manifest of the module to import.</summary>
    public required string Manifest { get; init; }

    /// <summary>Where to start.</summary>
    public string? Location { get; init; }

    /// <summary>The kind of link that its input comes by; null where nothing is piped to it.</summary>
    public string? InputKind { get; init; }

    /// <summary>The link's ticket.</summary>
    public string InputTicket { get; init; } = "";

    /// <summary>The numbers of the link's descriptors.</summary>
    public IReadOnlyList<int> InputDescriptors { get; init; } = [];

    /// <summary>What was handed over: for each object the numbers of its descriptors, or its address.</summary>
    public IReadOnlyList<object> Handles { get; init; } = [];

    /// <summary>Reads an order.</summary>
    public static StartMessage From(object? content)
    {
        if (Unwrap(content) is not IDictionary bag) throw new IpcException(IpcErrors.InvalidData, "What came first from the parent is no order.");
        return new StartMessage
        {
            Script = (string)bag[nameof(Script)]!,
            Arguments = List(bag[nameof(Arguments)]),
            Using = Unwrap(bag[nameof(Using)]) as IDictionary ?? new Hashtable(),
            Manifest = (string)bag[nameof(Manifest)]!,
            Location = (string?)bag[nameof(Location)],
            InputKind = (string?)bag[nameof(InputKind)],
            InputTicket = (string)bag[nameof(InputTicket)]!,
            InputDescriptors = Numbers(bag[nameof(InputDescriptors)]),
            Handles = [.. List(bag[nameof(Handles)]).Select(static h => h!)],
        };
    }

    /// <summary>The order as it is sent.</summary>
    public Hashtable ToBag() => new()
    {
        [nameof(Script)] = Script,
        [nameof(Arguments)] = Arguments.ToArray(),
        [nameof(Using)] = Using,
        [nameof(Manifest)] = Manifest,
        [nameof(Location)] = Location,
        [nameof(InputKind)] = InputKind,
        [nameof(InputTicket)] = InputTicket,
        [nameof(InputDescriptors)] = InputDescriptors.ToArray(),
        [nameof(Handles)] = Handles.ToArray(),
    };

    /// <summary>The input, opened; null where nothing was piped.</summary>
    /// <param name="stopping">Ends its waits.</param>
    public JobTransportReader? OpenInput(CancellationToken stopping) =>
        InputKind is null ? null : IpcMechanisms.Transport(InputKind).OpenReader(InputTicket, InputDescriptors, stopping);

    /// <summary>The handed-over objects, opened.</summary>
    public object[] OpenHandles() => [.. Handles.Select(static h => Unwrap(h) is string address
        ? IpcMechanisms.Open(IpcAddress.Parse(address))
        : InheritedObjects.Open(Numbers(h)))];

    private static object? Unwrap(object? value) => value is System.Management.Automation.PSObject wrapped ? wrapped.BaseObject : value;

    private static IReadOnlyList<object?> List(object? value) => Unwrap(value) is IList list ? [.. list.Cast<object?>()] : [];

    private static int[] Numbers(object? value) => [.. List(value).Select(static n => Convert.ToInt32(Unwrap(n), System.Globalization.CultureInfo.InvariantCulture))];
}
