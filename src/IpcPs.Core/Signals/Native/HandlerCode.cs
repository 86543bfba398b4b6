using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>The machine code of the two signal handlers. A managed handler would run in the middle of anything, a garbage collection too,
/// and end the process; these few instructions touch nothing of the runtime's.</summary>
/// <remarks>
/// <para><b>The recorder</b>, of a registered signal. Its signal's slot in the table (<see cref="HandlerPage.Slot"/>) is at table + 64 * signal.</para>
/// <code>
/// if (info->si_code == Pass || slot->Descriptor &lt; 0) { slot->Passed++; next = slot->Previous; }
/// else { write(slot->Descriptor, info, 128) >= 0 ? slot->Recorded++ : slot->Lost++; next = slot->Chain; }
/// if (next) goto next;    // a jump, with the kernel's arguments: the earlier handler runs as if the kernel had called it
/// </code>
/// <para><b>The masker</b>, of the signal that reaches each thread. The kernel restores the thread's signal mask from the saved context when the handler
/// returns, so what is changed there is the mask from then on.</para>
/// <code>
/// context->uc_sigmask = context->uc_sigmask &amp; masks->Keep | masks->Block; masks->Done++;
/// </code>
/// <para>Counting is atomic; write(2) is called directly, so that errno stays as it was.</para>
/// </remarks>
internal static class HandlerCode
{
    private static ReadOnlySpan<byte> X64 =>
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
        // mov rax, [rdx+0x128]; and rax, [r8]; or rax, [r8+8]; mov [rdx+0x128], rax; lock inc qword [r8+16]; ret
        0x48, 0x8b, 0x82, 0x28, 0x01, 0, 0, 0x49, 0x23, 0x00, 0x49, 0x0b, 0x40, 0x08, 0x48, 0x89, 0x82, 0x28, 0x01, 0, 0, 0xf0, 0x49, 0xff, 0x40, 0x10, 0xc3,
    ];

    private static ReadOnlySpan<uint> Arm64 =>
    [
        // recorder: bti c; ldr x9, table; add x9, x9, x0, lsl #6
        0xd503245f, 0x58000629, 0x8b001929,
        // ldr w10, [x1, #8]; ldr w11, code; cmp w10, w11; b.eq pass
        0xb940082a, 0x1800064b, 0x6b0b015f, 0x540002a0,
        // ldr w10, [x9]; tbnz w10, #31, pass
        0xb940012a, 0x37f8026a,
        // mov x12, x0; mov x13, x2; mov w0, w10; mov x2, #128; mov x8, #SYS_write; svc #0
        0xaa0003ec, 0xaa0203ed, 0x2a0a03e0, 0xd2801002, 0xd2800808, 0xd4000001,
        // mov x10, x0; mov x0, x12; mov x2, x13
        0xaa0003ea, 0xaa0c03e0, 0xaa0d03e2,
        // add x11, x9, #8; tbz x10, #63, count; add x11, x9, #16
        0x9100212b, 0xb6f8004a, 0x9100412b,
        // count: ldxr x10, [x11]; add x10, x10, #1; stxr w12, x10, [x11]; cbnz w12, count
        0xc85f7d6a, 0x9100054a, 0xc80c7d6a, 0x35ffffac,
        // ldr x16, [x9, #24]; b next
        0xf9400d30, 0x14000007,
        // pass: add x11, x9, #40; passed: ldxr x10, [x11]; add x10, x10, #1; stxr w12, x10, [x11]; cbnz w12, passed; ldr x16, [x9, #32]
        0x9100a12b, 0xc85f7d6a, 0x9100054a, 0xc80c7d6a, 0x35ffffac, 0xf9401130,
        // next: cbz x16, done; br x16; done: ret
        0xb4000050, 0xd61f0200, 0xd65f03c0,
        // masker: bti c; ldr x9, masks; ldr x10, [x2, #40]; ldr x11, [x9]; and x10, x10, x11; ldr x11, [x9, #8]; orr x10, x10, x11; str x10, [x2, #40]
        0xd503245f, 0x580001e9, 0xf940144a, 0xf940012b, 0x8a0b014a, 0xf940052b, 0xaa0b014a, 0xf900144a,
        // add x11, x9, #16; acked: ldxr x10, [x11]; add x10, x10, #1; stxr w12, x10, [x11]; cbnz w12, acked; ret
        0x9100412b, 0xc85f7d6a, 0x9100054a, 0xc80c7d6a, 0x35ffffac, 0xd65f03c0,
        // table: .quad; masks: .quad; code: .word
        0, 0, 0, 0, 0xa5a5a5a5,
    ];

    /// <summary>The code for a processor, its addresses filled in; null for a processor that there is none for.</summary>
    /// <param name="architecture">Which processor.</param>
    /// <param name="table">Where the slots are.</param>
    /// <param name="masks">Where the masks are.</param>
    /// <param name="recorder">Where in the code the recorder begins.</param>
    /// <param name="masker">Where the masker does.</param>
    public static byte[]? For(Architecture architecture, nint table, nint masks, out int recorder, out int masker)
    {
        recorder = 0;
        masker = 0;
        switch (architecture)
        {
            case Architecture.X64:
                var code = X64.ToArray();
                masker = 0x69;
                BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(6), table);
                BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(masker + 6), masks);
                return code;
            case Architecture.Arm64:
                code = MemoryMarshal.AsBytes(Arm64).ToArray();
                masker = 0x90;
                BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(0xc8), table);
                BinaryPrimitives.WriteInt64LittleEndian(code.AsSpan(0xd0), masks);
                return code;
            default:
                return null;
        }
    }
}
