using System.Runtime.InteropServices;

namespace IpcPs.SharedMemory;

/// <summary>Keeps the process alive when another process truncates a file that is mapped.</summary>
/// <remarks>Access to a page that the file no longer has raises SIGBUS. The default action and the runtime's handler then end the process.
/// With the guard, a page of zeros replaces the page and the mapping is marked. The code that made the access checks the mark afterwards
/// and throws. The handler is a few machine instructions in an executable page, and runs before the earlier handler. It has a table of the
/// mapped regions, calls mmap(2) over the rest of the region, and returns to the instruction, which now succeeds. Any other SIGBUS goes to
/// the earlier handler. A managed handler is not possible: it could run in the middle of a garbage collection. On other processors than
/// x64, and if the system refuses an executable page, <see cref="IsActive"/> is false. The file's size is then checked before each access.
/// Calls: sigaction(2), mmap(2), mprotect(2).</remarks>
internal static unsafe class SigbusGuard
{
    private const int Capacity = 4096;
    private const int TableAt = 0x0C;
    private const int CapacityAt = 0x15;
    private const int PreviousAt = 0x2E;

    private static readonly object Lock = new();
    private static readonly Entry* Table = (Entry*)NativeMemory.AllocZeroed(Capacity, (nuint)sizeof(Entry));
    private static readonly Stack<int> Free = new(Enumerable.Range(0, Capacity).Reverse());

    // cmp dword [rsi+8], BUS_ADRERR; jne previous          only for what the file does not have
    // mov rax, [rsi+16]                                     the address
    // mov r8, table; mov ecx, capacity
    // next: cmp rax, [r8]; jb no; cmp rax, [r8+8]; jb found
    // no: add r8, 24; dec ecx; jnz next
    // previous: mov rax, handler; jmp rax
    // found: mov qword [r8+16], 1
    // push rdi; push rsi; push rdx
    // mov rdi, rax; and rdi, -4096; mov rsi, [r8+8]; sub rsi, rdi
    // mov edx, PROT_READ|PROT_WRITE; mov r10d, MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS; mov r8, -1; xor r9d, r9d; mov eax, SYS_mmap; syscall
    // pop rdx; pop rsi; pop rdi; test rax, rax; js previous; ret
    private static ReadOnlySpan<byte> Code =>
    [
        0x83, 0x7e, 0x08, 0x02, 0x75, 0x26,
        0x48, 0x8b, 0x46, 0x10,
        0x49, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xb9, 0, 0, 0, 0,
        0x49, 0x3b, 0x00, 0x72, 0x06, 0x49, 0x3b, 0x40, 0x08, 0x72, 0x14,
        0x49, 0x83, 0xc0, 0x18, 0xff, 0xc9, 0x75, 0xed,
        0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0,
        0x49, 0xc7, 0x40, 0x10, 0x01, 0x00, 0x00, 0x00,
        0x57, 0x56, 0x52,
        0x48, 0x89, 0xc7, 0x48, 0x81, 0xe7, 0x00, 0xf0, 0xff, 0xff, 0x49, 0x8b, 0x70, 0x08, 0x48, 0x29, 0xfe,
        0xba, 0x03, 0x00, 0x00, 0x00, 0x41, 0xba, 0x32, 0x00, 0x00, 0x00, 0x49, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff,
        0x45, 0x31, 0xc9, 0xb8, 0x09, 0x00, 0x00, 0x00, 0x0f, 0x05,
        0x5a, 0x5e, 0x5f, 0x48, 0x85, 0xc0, 0x78, 0xb4, 0xc3,
    ];

    /// <summary>Whether the handler is installed.</summary>
    public static bool IsActive { get; } = Install();

    /// <summary>Guards a mapping.</summary>
    /// <returns>The number of the guarded mapping, or -1 if it cannot be guarded.</returns>
    public static int Add(nint start, long length)
    {
        if (!IsActive) return -1;
        lock (Lock)
        {
            if (!Free.TryPop(out var number)) return -1;
            Table[number].Cut = 0;
            Table[number].End = (start + (nint)length + 4095) & ~(nint)4095;
            // Last, because the handler uses the entry from now on.
            Volatile.Write(ref Table[number].Start, start);
            return number;
        }
    }

    /// <summary>Ends guarding a mapping, before it is unmapped.</summary>
    public static void Remove(int number)
    {
        if (number < 0) return;
        lock (Lock)
        {
            Volatile.Write(ref Table[number].End, 0);
            Table[number].Start = 0;
            Free.Push(number);
        }
    }

    /// <summary>Whether there was an access to a page that the file no longer had.</summary>
    public static bool WasCut(int number) => number >= 0 && Volatile.Read(ref Table[number].Cut) != 0;

    private static bool Install()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || Environment.SystemPageSize != 4096) return false;
        Libc.SigAction action;
        // Without an earlier handler to go on to, only removing ours would give the default action.
        if (Libc.sigaction(Libc.SIGBUS, null, &action) != 0 || action.Handler is 0 or 1) return false;
        var page = (byte*)Libc.mmap(null, 4096, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS, -1, 0);
        if (page == Libc.MAP_FAILED) return false;
        Code.CopyTo(new Span<byte>(page, 4096));
        *(nint*)(page + TableAt) = (nint)Table;
        *(int*)(page + CapacityAt) = Capacity;
        *(nint*)(page + PreviousAt) = action.Handler;
        if (Libc.mprotect(page, 4096, Libc.PROT_READ | Libc.PROT_EXEC) != 0)
        {
            _ = Libc.munmap(page, 4096);
            return false;
        }
        // Flags and mask stay as they are, so that the runtime's handler runs as if the kernel had called it.
        action.Handler = (nint)page;
        return Libc.sigaction(Libc.SIGBUS, &action, null) == 0;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public nint Start;
        public nint End;
        public long Cut;
    }
}
