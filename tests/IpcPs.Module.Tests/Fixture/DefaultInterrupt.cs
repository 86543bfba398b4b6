using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>Child processes get Ctrl+C (SIGINT) with its default action. A run that a shell starts in the background inherits that the
/// signal is ignored, and would pass that on. A signal with a handler is reset in children (execve(2)).</summary>
internal static class DefaultInterrupt
{
    private static PosixSignalRegistration? s_handler;

    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "Before the first test starts a process.")]
    internal static void Set() => s_handler ??= PosixSignalRegistration.Create(PosixSignal.SIGINT, static _ => { });
}
