using System.Management.Automation;
using System.Management.Automation.Remoting.Internal;
using System.Reflection;
using Microsoft.PowerShell.Commands;

namespace IpcPs.Module.Jobs.Collections;

/// <summary>Lets Receive-Job -Wait forget each object that it has written. By itself it keeps them all until the job has ended: then a long
/// output fills the memory of the session, and the garbage collector takes longer for an object than Receive-Job does.</summary>
/// <remarks>It sets a property that PowerShell's own commands set, but not Receive-Job. The property and the way to it are private. Where a
/// version of PowerShell has other names, nothing happens.</remarks>
/// <param name="records">The records of a job, from which Receive-Job takes.</param>
internal sealed class ReceiveJobMemory(PSDataCollection<PSStreamObject> records)
{
    private const BindingFlags Private = BindingFlags.Instance | BindingFlags.NonPublic;

    private static readonly FieldInfo? Handlers =
        typeof(PSDataCollection<PSStreamObject>).GetField(nameof(PSDataCollection<PSStreamObject>.DataAdded), Private);

    private static readonly FieldInfo? Results = typeof(ReceiveJobCommand).GetField("_results", Private);

    private static readonly PropertyInfo? Forgets = typeof(PSDataCollection<PSStreamObject>).GetProperty("ReleaseOnEnumeration", Private);

    private Delegate? _seen;

    /// <summary>Finds commands that have begun to receive since the last call.</summary>
    public void Release()
    {
        var handlers = Handlers?.GetValue(records) as Delegate;
        if (ReferenceEquals(handlers, _seen)) return;
        _seen = handlers;
        foreach (var handler in handlers?.GetInvocationList() ?? [])
        {
            if (handler.Target is ReceiveJobCommand command && Results?.GetValue(command) is PSDataCollection<PSStreamObject> results)
                Forgets?.SetValue(results, true);
        }
    }
}
