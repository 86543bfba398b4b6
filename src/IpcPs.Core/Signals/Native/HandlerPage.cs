using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>The machine code of two signal handlers, and the data that they work on.</summary>
/// <remarks>
/// <para>A managed handler could run in the middle of a garbage collection, and would end the process. These few instructions use nothing
/// of the runtime. They exist for x64 only.</para>
/// <para><b>The recorder</b> handles a signal that IpcPs receives. The <see cref="Slot"/> of the signal is at table + 64 * signal.</para>
/// <code>
/// if (info->si_code == Pass || slot->Descriptor &lt; 0) { slot->Passed++; next = slot->Previous; }
/// else { write(slot->Descriptor, info, 128) >= 0 ? slot->Recorded++ : slot->Lost++; next = slot->Chain; }
/// if (next) goto next;    // a jump, with the kernel's arguments: the earlier handler runs as if the kernel had called it
/// </code>
/// <para><b>The masker</b> changes the signal mask of the thread that it runs on. The kernel restores the mask from the saved context when
/// the handler returns, so a change of the saved mask lasts.</para>
/// <code>
/// context->uc_sigmask = context->uc_sigmask &amp; masks->Keep | masks->Block; masks->Done++;
/// </code>
/// <para>Counting is atomic. write(2) is called directly, so that errno does not change.</para>
/// <para>The page is never freed: the runtime or another library may have put its handler in front of ours, and then calls ours for as long
/// as the process lives. The code is written into a memory file and mapped from there for reading and executing. No page is ever both
/// writable and executable, so a process that may not have such pages (PR_SET_MDWE, MemoryDenyWriteExecute of systemd) gets it too.</para>
/// <para>Calls: memfd_create(2), mmap(2), sigaction(2).</para>
/// </remarks>
internal sealed unsafe class HandlerPage
{
    /// <summary>Set to 1, this variable prevents the page, to try what signals are like without it.</summary>
    public const string RefusalVariable = "IPCPS_NO_SIGNAL_HANDLERS";

    private const uint MFD_EXEC = 0x10;
    private const int Slots = 65;
    private const int MaskerAt = 0x69;
    private const int AddressAt = 6;

    private static readonly Lazy<HandlerPage?> Made = new(Make);

    private readonly Slot* _table;

    private HandlerPage(nint code, Slot* table, MaskWords* masks)
    {
        Recorder = code;
        Masker = code + MaskerAt;
        _table = table;
        Masks = masks;
    }

    private static ReadOnlySpan<byte> Code =>
    [
        // recorder: endbr64; movabs r8, table
        0xf3, 0x0f, 0x1e, 0xfa, 0x49, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
        // mov eax, edi; shl rax, 6; add r8, rax
        0x89, 0xf8, 0x48, 0xc1, 0xe0, 0x06, 0x49, 0x01, 0xc0,
        // cmp dword [rsi+8], Pass; je pass
        0x81, 0x7e, 0x08, 0xa5, 0xa5, 0xa5, 0xa5, 0x74, 0x38,
        // mov r9d, [r8]; test r9d, r9d; js pass
        0x45, 0x8b, 0x08, 0x45, 0x85, 0xc9, 0x78, 0x30,
        // push rdi; push rsi; push rdx; push r8; mov edi, r9d; mov edx, 128; mov eax, SYS_write; syscall
        0x57, 0x56, 0x52, 0x41, 0x50, 0x44, 0x89, 0xcf, 0xba, 0x80, 0, 0, 0, 0xb8, 0x01, 0, 0, 0, 0x0f, 0x05,
        // pop r8; pop rdx; pop rsi; pop rdi; test rax, rax; js lost
        0x41, 0x58, 0x5a, 0x5e, 0x5f, 0x48, 0x85, 0xc0, 0x78, 0x07,
        // lock inc qword [r8+8]; jmp chain; lost: lock inc qword [r8+16]
        0xf0, 0x49, 0xff, 0x40, 0x08, 0xeb, 0x05, 0xf0, 0x49, 0xff, 0x40, 0x10,
        // chain: mov rax, [r8+24]; jmp next
        0x49, 0x8b, 0x40, 0x18, 0xeb, 0x09,
        // pass: lock inc qword [r8+40]; mov rax, [r8+32]
        0xf0, 0x49, 0xff, 0x40, 0x28, 0x49, 0x8b, 0x40, 0x20,
        // next: test rax, rax; jz done; jmp rax; done: ret
        0x48, 0x85, 0xc0, 0x74, 0x02, 0xff, 0xe0, 0xc3,
        // masker: endbr64; movabs r8, masks
        0xf3, 0x0f, 0x1e, 0xfa, 0x49, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
        // mov rax, [rdx+0x128]; and rax, [r8]; or rax, [r8+8]; mov [rdx+0x128], rax
        0x48, 0x8b, 0x82, 0x28, 0x01, 0, 0, 0x49, 0x23, 0x00, 0x49, 0x0b, 0x40, 0x08, 0x48, 0x89, 0x82, 0x28, 0x01, 0, 0,
        // lock inc qword [r8+16]; ret
        0xf0, 0x49, 0xff, 0x40, 0x10, 0xc3,
    ];

    /// <summary>The page; null on another processor than x64, and where the system refuses one.</summary>
    public static HandlerPage? Current => Made.Value;

    /// <summary>The handler that records a signal.</summary>
    public nint Recorder { get; }

    /// <summary>The handler that changes the mask of its thread.</summary>
    public nint Masker { get; }

    /// <summary>What the masker does.</summary>
    public MaskWords* Masks { get; }

    /// <summary>What the recorder does with a signal.</summary>
    public Slot* this[int signal] => _table + signal;

    /// <summary>Installs a handler of this page. All signals are blocked while it runs, for its few instructions.</summary>
    /// <param name="signal">Of which signal.</param>
    /// <param name="handler">Recorder or masker.</param>
    /// <param name="like">The disposition that had a handler before, whose flags are kept because ours calls it; null for none.</param>
    public static void Install(int signal, nint handler, Libc.SigAction* like)
    {
        var action = new Libc.SigAction { Handler = handler, Flags = Libc.SA_SIGINFO | Libc.SA_RESTART };
        // An earlier handler may want the alternate stack, or no signal for stopped children. It still gets what it wants.
        if (like is not null) action.Flags = (like->Flags | Libc.SA_SIGINFO) & ~(Libc.SA_RESETHAND | Libc.SA_NODEFER);
        for (var i = 0; i < 16; i++) action.Mask[i] = ulong.MaxValue;
        if (Libc.sigaction(signal, &action, null) != 0)
            throw IpcException.FromErrno("sigaction", Marshal.GetLastPInvokeError(), SignalTable.NameOf(signal));
    }

    private static HandlerPage? Make()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) return null;
        if (Environment.GetEnvironmentVariable(RefusalVariable) == "1") return null;
        var size = (Slots * (nuint)sizeof(Slot)) + (nuint)sizeof(MaskWords);
        var data = Libc.mmap(null, size, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS, -1, 0);
        if (data == Libc.MAP_FAILED) return null;
        var table = (Slot*)data;
        for (var i = 0; i < Slots; i++) table[i].Descriptor = -1;
        var masks = (MaskWords*)(table + Slots);
        masks->Keep = ulong.MaxValue;
        var code = Code.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(AddressAt), (nint)table);
        BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(MaskerAt + AddressAt), (nint)masks);
        var page = Map(code);
        return page == 0 ? null : new HandlerPage(page, table, masks);
    }

    private static nint Map(byte[] code)
    {
        // Kernels before 6.3 do not know the flag, and do not need it.
        var fd = Libc.memfd_create("ipcps-signals", Libc.MFD_CLOEXEC | MFD_EXEC);
        if (fd < 0) fd = Libc.memfd_create("ipcps-signals", Libc.MFD_CLOEXEC);
        if (fd < 0) return 0;
        using var file = new SafeDescriptor(fd);
        fixed (byte* bytes = code)
        {
            if (Libc.write(file, bytes, (nuint)code.Length) != code.Length) return 0;
        }
        var page = Libc.mmap(null, (nuint)code.Length, Libc.PROT_READ | Libc.PROT_EXEC, Libc.MAP_PRIVATE, file, 0);
        return page == Libc.MAP_FAILED ? 0 : (nint)page;
    }

    /// <summary>The recorder's data of one signal. The machine code knows the offsets.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Slot
    {
        /// <summary>Where to write the siginfo_t; negative to pass the signal on without recording it.</summary>
        [FieldOffset(0)] public int Descriptor;

        /// <summary>How many were written.</summary>
        [FieldOffset(8)] public long Recorded;

        /// <summary>How many were not written because the pipe was full.</summary>
        [FieldOffset(16)] public long Lost;

        /// <summary>The handler to go on to after recording; 0 for none.</summary>
        [FieldOffset(24)] public nint Chain;

        /// <summary>The handler to go on to instead of recording; 0 for none.</summary>
        [FieldOffset(32)] public nint Previous;

        /// <summary>How many were not recorded.</summary>
        [FieldOffset(40)] public long Passed;
    }

    /// <summary>What the masker does to the mask of a thread.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct MaskWords
    {
        /// <summary>Bits that stay as they are.</summary>
        [FieldOffset(0)] public ulong Keep;

        /// <summary>Bits that are set.</summary>
        [FieldOffset(8)] public ulong Block;

        /// <summary>How many threads have done it.</summary>
        [FieldOffset(16)] public long Done;
    }
}
