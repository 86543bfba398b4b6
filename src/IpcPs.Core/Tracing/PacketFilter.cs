using System.Runtime.InteropServices;

namespace IpcPs.Tracing;

/// <summary>Lets the kernel drop the packets of other ports, so that a trace costs nothing while only others talk (bpf(4) of BSD; on Linux
/// SO_ATTACH_FILTER of socket(7)).</summary>
internal static unsafe class PacketFilter
{
    // Of linux/bpf_common.h.
    private const ushort LoadByte = 0x30, LoadHalf = 0x28, LoadHalfAtX = 0x48, LoadHeaderLength = 0xB1, ShiftRight = 0x74;
    private const ushort JumpIfEqual = 0x15, Return = 0x06;

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    /// <summary>Passes only packets of the protocol with that port as source or destination.</summary>
    public static void Attach(SafeDescriptor socket, byte protocol, ushort port, IpcAddress address)
    {
        Span<Instruction> program =
        [
            new(LoadByte, 0, 0, 0),                     // 0: the version
            new(ShiftRight, 0, 0, 4),
            new(JumpIfEqual, 0, 7, 4),                  // 2: IPv4; else to 10
            new(LoadByte, 0, 0, 9),
            new(JumpIfEqual, 0, 13, protocol),          // 4: else to 18
            new(LoadHeaderLength, 0, 0, 0),
            new(LoadHalfAtX, 0, 0, 0),                  // 6: the source port
            new(JumpIfEqual, 9, 0, port),               // 7: to 17
            new(LoadHalfAtX, 0, 0, 2),                  // 8: the destination port
            new(JumpIfEqual, 7, 8, port),               // 9: to 17 or 18
            new(JumpIfEqual, 0, 7, 6),                  // 10: IPv6; else to 18
            new(LoadByte, 0, 0, 6),
            new(JumpIfEqual, 0, 5, protocol),           // 12: else to 18
            new(LoadHalf, 0, 0, 40),
            new(JumpIfEqual, 2, 0, port),               // 14: to 17
            new(LoadHalf, 0, 0, 42),
            new(JumpIfEqual, 0, 1, port),               // 16: to 17 or 18
            new(Return, 0, 0, uint.MaxValue),           // 17: the whole packet
            new(Return, 0, 0, 0),                       // 18: nothing
        ];
        fixed (Instruction* first = program)
        {
            // struct sock_fprog
            var filter = stackalloc nint[2] { program.Length, (nint)first };
            if (Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, filter, (uint)(2 * sizeof(nint))) != 0)
                throw IpcException.FromErrno("setsockopt(SO_ATTACH_FILTER)", Marshal.GetLastPInvokeError(), address.Text);
        }
    }
}
