using System.Collections;
using System.Management.Automation;
using IpcPs.Mechanisms;

namespace IpcPs.Module.Jobs.Protocol;

/// <summary>Where a child's output goes from now on.</summary>
/// <param name="Kind">The kind of the link.</param>
/// <param name="Ticket">What it is opened by.</param>
internal sealed record RedirectMessage(string Kind, string Ticket)
{
    /// <summary>Reads a redirection.</summary>
    public static RedirectMessage From(object? content) => (content is PSObject wrapped ? wrapped.BaseObject : content) is IDictionary bag
        ? new RedirectMessage((string)bag[nameof(Kind)]!, (string)bag[nameof(Ticket)]!)
        : throw new IpcException(IpcErrors.InvalidData, "A job's redirection cannot be read.");

    /// <summary>The redirection as it is sent.</summary>
    public Hashtable ToBag() => new() { [nameof(Kind)] = Kind, [nameof(Ticket)] = Ticket };

    /// <summary>Opens the link.</summary>
    public IpcChannel OpenWriter(CancellationToken cancellation) => IpcMechanisms.Transport(Kind).OpenWriter(Ticket, cancellation);

    /// <summary>Closes what <see cref="OpenWriter"/> opened.</summary>
    public void CloseWriter(IpcChannel writer) => IpcMechanisms.Transport(Kind).CloseWriter(writer);
}
