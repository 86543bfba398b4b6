using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>sigaction(2), for a signal whose handler we put ourselves in front of.</summary>
internal static unsafe partial class Libc
{
    public const int SIGBUS = 7;

    /// <summary><c>struct sigaction</c> as libc has it on 64-bit Linux. What is not named is kept as it was.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 152)]
    public struct SigAction
    {
        public nint Handler;
        public fixed ulong Mask[16];
        public int Flags;
        private readonly nint _restorer;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sigaction(int signal, SigAction* action, SigAction* previous);
}
