using System.Collections;
using System.Runtime.InteropServices;
using IpcPs.Proc;

namespace IpcPs.Processes;

/// <summary>The native memory of one posix_spawn(3) call: file actions, attributes and strings. Disposing frees all of it.</summary>
internal sealed unsafe class SpawnRequest : IDisposable
{
    private static readonly nint AddCloseFrom = Optional("posix_spawn_file_actions_addclosefrom_np");
    private static readonly nint AddChdir = Optional("posix_spawn_file_actions_addchdir_np");

    private readonly List<nint> _memory = [];
    private readonly List<SafeDescriptor> _copies = [];
    private readonly byte* _actions;
    private readonly byte* _attributes;

    public SpawnRequest(ChildProcessOptions options)
    {
        _actions = (byte*)Allocate(Libc.SpawnActionsSize);
        _attributes = (byte*)Allocate(Libc.SpawnAttributesSize);
        Check("posix_spawn_file_actions_init", Libc.posix_spawn_file_actions_init(_actions));
        Check("posix_spawnattr_init", Libc.posix_spawnattr_init(_attributes));
        try
        {
            SetSignals(options.OwnSession);
            SetDescriptors(options.Descriptors);
            if (options.WorkingDirectory is { } folder) SetWorkingDirectory(folder);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Starts the program.</summary>
    /// <returns>0 or the errno; the process id.</returns>
    public (int Errno, int ProcessId) Spawn(ChildProcessOptions options)
    {
        var environment = options.Environment?.Select(static v => (v.Key, v.Value))
            ?? Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(static e => ((string)e.Key, (string?)e.Value ?? ""));
        int processId;
        var errno = Libc.posix_spawnp(&processId, (byte*)Text(options.FileName), _actions, _attributes,
            Texts([options.FileName, .. options.Arguments]), Texts(environment.Select(static v => $"{v.Item1}={v.Item2}")));
        return (errno, processId);
    }

    public void Dispose()
    {
        _ = Libc.posix_spawn_file_actions_destroy(_actions);
        _ = Libc.posix_spawnattr_destroy(_attributes);
        foreach (var copy in _copies) copy.Dispose();
        foreach (var block in _memory) Marshal.FreeCoTaskMem(block);
    }

    private static nint Optional(string function) =>
        NativeLibrary.TryGetExport(NativeLibrary.Load("libc.so.6"), function, out var address) ? address : 0;

    private static void Check(string call, int errno)
    {
        if (errno != 0) throw IpcException.FromErrno(call, errno, null);
    }

    private void SetSignals(bool ownSession)
    {
        // pwsh ignores SIGPIPE and blocks the signals that it waits for; a child must not inherit that.
        var set = stackalloc byte[Libc.SignalSetSize];
        _ = Libc.sigemptyset(set);
        Check("posix_spawnattr_setsigmask", Libc.posix_spawnattr_setsigmask(_attributes, set));
        _ = Libc.sigfillset(set);
        _ = Libc.sigdelset(set, Libc.SIGKILL);
        _ = Libc.sigdelset(set, Libc.SIGSTOP);
        Check("posix_spawnattr_setsigdefault", Libc.posix_spawnattr_setsigdefault(_attributes, set));
        var flags = Libc.POSIX_SPAWN_SETSIGMASK | Libc.POSIX_SPAWN_SETSIGDEF | (ownSession ? Libc.POSIX_SPAWN_SETSID : 0);
        Check("posix_spawnattr_setflags", Libc.posix_spawnattr_setflags(_attributes, (short)flags));
    }

    private void SetDescriptors(IReadOnlyList<InheritedDescriptor> descriptors)
    {
        var last = Math.Max(2, descriptors.Count == 0 ? 0 : descriptors.Max(static d => d.Number));
        // Each source is first copied to a number above all targets. Otherwise a dup2 could overwrite a source that is still needed, or
        // have
        // the same source and target, which would leave close-on-exec set.
        foreach (var (descriptor, number) in descriptors)
        {
            var copy = Libc.fcntl(descriptor, Libc.F_DUPFD_CLOEXEC, last + 1);
            if (copy < 0) throw IpcException.FromErrno("fcntl(F_DUPFD_CLOEXEC)", Marshal.GetLastPInvokeError(), null);
            _copies.Add(new SafeDescriptor(copy));
            Check("posix_spawn_file_actions_adddup2", Libc.posix_spawn_file_actions_adddup2(_actions, copy, number));
        }
        for (var number = 0; number <= last; number++)
        {
            if (descriptors.Any(d => d.Number == number)) continue;
            Check("posix_spawn_file_actions_addclose", number > 2
                ? Libc.posix_spawn_file_actions_addclose(_actions, number)
                : Libc.posix_spawn_file_actions_addopen(_actions, number, (byte*)Text("/dev/null"),
                    number == 0 ? Libc.O_RDONLY : Libc.O_WRONLY, 0));
        }
        CloseFrom(last + 1);
    }

    private void CloseFrom(int first)
    {
        if (AddCloseFrom != 0)
        {
            Check("posix_spawn_file_actions_addclosefrom_np", ((delegate* unmanaged<void*, int, int>)AddCloseFrom)(_actions, first));
            return;
        }
        // An older libc: .NET marks its descriptors close-on-exec. The others are closed one by one.
        foreach (var number in ProcFile.Numbers(ProcFile.OwnDescriptors))
        {
            if (number < first) continue;
            var flags = Libc.fcntl(number, Libc.F_GETFD, 0);
            if (flags >= 0 && (flags & Libc.FD_CLOEXEC) == 0)
                Check("posix_spawn_file_actions_addclose", Libc.posix_spawn_file_actions_addclose(_actions, number));
        }
    }

    private void SetWorkingDirectory(string folder)
    {
        if (AddChdir == 0)
            throw new IpcException(IpcErrors.PlatformNotSupported,
                "This libc has no posix_spawn_file_actions_addchdir_np: a child can't start in another working directory.", folder);
        Check("posix_spawn_file_actions_addchdir_np", ((delegate* unmanaged<void*, byte*, int>)AddChdir)(_actions, (byte*)Text(folder)));
    }

    private nint Allocate(int bytes)
    {
        var block = Marshal.AllocCoTaskMem(bytes);
        _memory.Add(block);
        return block;
    }

    private nint Text(string text)
    {
        if (text.Contains('\0', StringComparison.Ordinal)) throw IpcException.Argument(
                "A child's arguments, environment and working directory cannot contain a NUL.");
        var block = Marshal.StringToCoTaskMemUTF8(text);
        _memory.Add(block);
        return block;
    }

    private byte** Texts(IEnumerable<string> texts)
    {
        var all = texts.ToArray();
        var array = (byte**)Allocate((all.Length + 1) * sizeof(byte*));
        for (var i = 0; i < all.Length; i++) array[i] = (byte*)Text(all[i]);
        array[all.Length] = null;
        return array;
    }
}
