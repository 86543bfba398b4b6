using System.Runtime.InteropServices;

namespace IpcPs.Locks;

/// <summary>The 32 bytes of a mutex's file, little-endian: "IPCPSMTX", a version (32 bits; 1), flags (32 bits; 1: recursive), the id of the
/// holder's process (32 bits; 0: free), and 12 bytes of zeros.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
internal struct MutexFileRecord
{
    public const int Size = 32;

    private const ulong RightMagic = 0x58544D5350435049; // "IPCPSMTX"
    private const int RightVersion = 1;
    private const int RecursiveFlag = 1;

    private ulong _magic;
    private int _version;
    private int _flags;

    public int ProcessId { get; private set; }

    public readonly bool IsRecursive => (_flags & RecursiveFlag) != 0;

    public readonly bool IsValid => _magic == RightMagic && _version == RightVersion && (_flags & ~RecursiveFlag) == 0 && ProcessId >= 0;

    /// <summary>Reads the record of a mutex's file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="record">What it has, which may be anything: see <see cref="IsValid"/>.</param>
    /// <returns>0, or the errno; a shorter file gives an invalid record.</returns>
    public static unsafe int Read(SafeDescriptor file, out MutexFileRecord record)
    {
        fixed (MutexFileRecord* to = &record)
        {
            record = default;
            while (true)
            {
                if (Libc.pread(file, to, Size, 0) is var read and >= 0)
                {
                    if (read != Size) record = default;
                    return 0;
                }
                if (Marshal.GetLastPInvokeError() is not Errno.EINTR and var errno) return errno;
            }
        }
    }

    public static MutexFileRecord Free(bool isRecursive) =>
        new() { _magic = RightMagic, _version = RightVersion, _flags = isRecursive ? RecursiveFlag : 0 };

    public readonly MutexFileRecord HeldBy(int processId) => this with { ProcessId = processId };
}
