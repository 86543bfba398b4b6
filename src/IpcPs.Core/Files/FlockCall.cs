using System.Runtime.InteropServices;

namespace IpcPs.Files;

/// <summary>A flock(2) that blocks, for <see cref="InterruptibleCall"/>.</summary>
/// <param name="file">The file.</param>
/// <param name="operation">LOCK_SH or LOCK_EX.</param>
internal readonly struct FlockCall(SafeDescriptor file, int operation) : IBlockingCall<int>
{
    public int Invoke(out int result) => (result = Libc.flock(file, operation)) == 0 ? 0 : Marshal.GetLastPInvokeError();
}
