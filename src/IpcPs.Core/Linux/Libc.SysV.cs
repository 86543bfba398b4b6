using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>What the three System V mechanisms share: sysvipc(7).</summary>
internal static partial class Libc
{
    public const int IPC_PRIVATE = 0;
    public const int IPC_CREAT = 0x200;
    public const int IPC_EXCL = 0x400;
    public const int IPC_NOWAIT = 0x800;

    public const int IPC_RMID = 0;
    public const int IPC_SET = 1;
    public const int IPC_STAT = 2;

    /// <summary><c>struct ipc_perm</c> on 64-bit Linux, 48 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 48)]
    public struct IpcPerm
    {
        public int Key;
        public uint UserId;
        public uint GroupId;
        public uint CreatorUserId;
        public uint CreatorGroupId;
        // 16 or 32 bits wide, depending on libc; the upper half is padding where it is 16.
        public ushort Mode;
        private readonly ushort _modePadding;
        public ushort Sequence;
        private readonly ushort _padding;
        private readonly uint _padding2;
        private readonly ulong _reserved1;
        private readonly ulong _reserved2;
    }
}
