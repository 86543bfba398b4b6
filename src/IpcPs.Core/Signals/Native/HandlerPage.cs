using System.Runtime.InteropServices;

namespace IpcPs.Signals.Native;

/// <summary>The page that the handlers' code lives in, and the data that it works on. Made once, never freed: the runtime, or another library, may have
/// put its handler in front of ours and call it for as long as the process lives.</summary>
/// <remarks>The code is written into a memory file and mapped from there for reading and executing: at no time is a page both
/// writable and executable, so that also a process that may not have such pages (PR_SET_MDWE, systemd's MemoryDenyWriteExecute) gets it.
/// Calls: memfd_create(2), mmap(2), sigaction(2).</remarks>
internal sealed unsafe class HandlerPage
{
    /// <summary>Set to 1, the page is not made, as where the system refuses it: to try what signals are like then.</summary>
    public const string RefusalVariable = "IPCPS_NO_SIGNAL_HANDLERS";

    private const uint MFD_EXEC = 0x10;
    private const int Slots = 65;

    private static readonly Lazy<HandlerPage?> Made = new(Make);

    private readonly Slot* _table;

    private HandlerPage(nint recorder, nint masker, Slot* table, MaskWords* masks)
    {
        Recorder = recorder;
        Masker = masker;
        _table = table;
        Masks = masks;
    }

    /// <summary>The page; null where the system refuses one, or the processor is another.</summary>
    public static HandlerPage? Current => Made.Value;

    /// <summary>The handler that records a signal.</summary>
    public nint Recorder { get; }

    /// <summary>The handler that changes its thread's mask.</summary>
    public nint Masker { get; }

    /// <summary>What the masker does.</summary>
    public MaskWords* Masks { get; }

    /// <summary>What the recorder does with a signal.</summary>
    public Slot* this[int signal] => _table + signal;

    /// <summary>Installs a handler of this page; all signals are held back for its few instructions.</summary>
    /// <param name="signal">Of which signal.</param>
    /// <param name="handler">Recorder or masker.</param>
    /// <param name="like">The disposition whose flags are kept, for it is called from ours; null where none is.</param>
    public static void Install(int signal, nint handler, Libc.SigAction* like)
    {
        var action = new Libc.SigAction { Handler = handler, Flags = Libc.SA_SIGINFO | Libc.SA_RESTART };
        // An earlier handler that wants the alternate stack, or not to hear of stopped children, still gets what it wants.
        if (like is not null) action.Flags = (like->Flags | Libc.SA_SIGINFO) & ~(Libc.SA_RESETHAND | Libc.SA_NODEFER);
        for (var i = 0; i < 16; i++) action.Mask[i] = ulong.MaxValue;
        if (Libc.sigaction(signal, &action, null) != 0) throw IpcException.FromErrno("sigaction", Marshal.GetLastPInvokeError(), SignalTable.NameOf(signal));
    }

    private static HandlerPage? Make()
    {
        if (Environment.GetEnvironmentVariable(RefusalVariable) == "1") return null;
        var data = (byte*)Libc.mmap(null, (Slots * (nuint)sizeof(Slot)) + (nuint)sizeof(MaskWords), Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS, -1, 0);
        if (data == Libc.MAP_FAILED) return null;
        var table = (Slot*)data;
        for (var i = 0; i < Slots; i++) table[i].Descriptor = -1;
        var masks = (MaskWords*)(table + Slots);
        masks->Keep = ulong.MaxValue;
        if (HandlerCode.For(RuntimeInformation.ProcessArchitecture, (nint)table, (nint)masks, out var recorder, out var masker) is not { } code) return null;
        var page = Map(code);
        return page == 0 ? null : new HandlerPage(page + recorder, page + masker, table, masks);
    }

    private static nint Map(byte[] code)
    {
        // Kernels before 6.3 don't know the flag, and don't need it.
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

    /// <summary>A signal's place in the recorder's table. The machine code knows the offsets.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Slot
    {
        /// <summary>Where to write the siginfo_t to; negative: nowhere, the signal is passed.</summary>
        [FieldOffset(0)] public int Descriptor;

        /// <summary>How many were written.</summary>
        [FieldOffset(8)] public long Recorded;

        /// <summary>How many could not be, as the pipe was full.</summary>
        [FieldOffset(16)] public long Lost;

        /// <summary>The handler to go on to after recording; 0 for none.</summary>
        [FieldOffset(24)] public nint Chain;

        /// <summary>The handler to go on to instead of recording; 0 for none.</summary>
        [FieldOffset(32)] public nint Previous;

        /// <summary>How many were not recorded.</summary>
        [FieldOffset(40)] public long Passed;
    }

    /// <summary>What the masker makes of a thread's mask.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct MaskWords
    {
        /// <summary>Bits that stay as they are.</summary>
        [FieldOffset(0)] public ulong Keep;

        /// <summary>Bits that are set.</summary>
        [FieldOffset(8)] public ulong Block;

        /// <summary>How many threads did it.</summary>
        [FieldOffset(16)] public long Done;
    }
}
