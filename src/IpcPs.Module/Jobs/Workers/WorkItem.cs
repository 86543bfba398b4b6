using System.Management.Automation;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>One object of the workers' input, with what a worker made of it. <see cref="WorkerGroup"/>'s lock guards it.</summary>
/// <param name="index">Its place in the input, from 0.</param>
/// <param name="payload">The encoded object. It is kept until the item is finished: for another worker, and for the error.</param>
/// <param name="text">What a log calls it; null without a log.</param>
internal sealed class WorkItem(long index, byte[] payload, string? text)
{
    /// <summary>Its place in the input, from 0.</summary>
    public long Index => index;

    /// <summary>The encoded object.</summary>
    public byte[] Payload => payload;

    /// <summary>What a log calls it.</summary>
    public string? Text => text;

    /// <summary>The encoded objects that a worker has output for it, and that were not handed over yet.</summary>
    public List<byte[]> Output { get; } = [];

    /// <summary>The bytes of <see cref="Output"/>.</summary>
    public int OutputBytes { get; set; }

    /// <summary>Whether a part of its output was handed over. Then no other worker can do it again.</summary>
    public bool IsCommitted { get; set; }

    /// <summary>How many workers have failed to do it.</summary>
    public int Attempts { get; set; }

    /// <summary>Whether it is finished, well or not.</summary>
    public bool IsDone { get; set; }

    /// <summary>Why it failed; null if it did not.</summary>
    public ErrorRecord? Failure { get; set; }

    /// <summary>The number of the worker that has it or had it last; 0 for none.</summary>
    public int Worker { get; set; }

    /// <summary>When that worker began to work on it; a value of the system's clock.</summary>
    public DateTimeOffset Started { get; set; }

    /// <summary>How long that worker has worked on it.</summary>
    public TimeSpan Duration { get; set; }
}

/// <summary>What comes out of the workers, in the order in which it is to be written.</summary>
/// <param name="Item">The item that it belongs to; null for the output of a script outside of its items, and for records.</param>
/// <param name="Output">An encoded object of the output, or null.</param>
/// <param name="Record">A record of another stream, or null.</param>
/// <param name="IsEnd">Whether the item is finished now. Its <see cref="WorkItem.Failure"/> follows the output.</param>
internal readonly record struct WorkerResult(WorkItem? Item, byte[]? Output, object? Record, bool IsEnd);
