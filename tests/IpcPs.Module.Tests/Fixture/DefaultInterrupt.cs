using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>Child processes get Ctrl+C (SIGINT) with its default action. A run that a shell starts in the background inherits that the
/// signal is ignored, and would pass that on. .NET installs no handler for a SIGINT that is ignored, so its own interface can't undo it.
/// </summary>
internal static partial class DefaultInterrupt
{
    private const int SigInt = 2;
    private const nint DefaultAction = 0, IgnoreAction = 1;

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Before the first test starts a process.")]
    internal static void Set()
    {
        var before = Signal(SigInt, DefaultAction);
        if (before != IgnoreAction) Signal(SigInt, before);
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint action);
}
