using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace IpcPs.Proc;

/// <summary>The system call in which a thread is, as /proc/PID/task/TID/syscall shows it (proc_pid_syscall(5)). The kernel shows it only
/// where this user may trace the process (ptrace(2)).</summary>
/// <param name="Number">The number of the call on this architecture.</param>
/// <param name="First">Its first argument.</param>
/// <param name="Second">Its second argument.</param>
/// <param name="Third">Its third argument.</param>
internal readonly record struct ThreadCall(int Number, ulong First, ulong Second, ulong Third)
{
    private static readonly bool IsX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    public bool IsOpen => IsX64 && Number == 2;

    public bool IsOpenAt => Number == (IsX64 ? 257 : 56) || Number == 437;

    /// <summary>semop(2) and semtimedop(2): the set, the operations, how many.</summary>
    public bool IsSemop => Number == (IsX64 ? 65 : 193) || Number == (IsX64 ? 220 : 192);

    /// <summary>msgsnd(2): the queue.</summary>
    public bool IsMsgSnd => Number == (IsX64 ? 69 : 189);

    /// <summary>msgrcv(2): the queue.</summary>
    public bool IsMsgRcv => Number == (IsX64 ? 70 : 188);

    /// <summary>futex(2): the word.</summary>
    public bool IsFutex => Number == (IsX64 ? 202 : 98);

    /// <summary>fcntl(2): the descriptor, the command.</summary>
    public bool IsFcntl => Number == (IsX64 ? 72 : 25);

    /// <summary>Reads the call of a thread.</summary>
    /// <param name="folder">The thread's folder in /proc.</param>
    /// <param name="buffer">Receives the text.</param>
    /// <param name="isReadable">Whether this user may see it.</param>
    /// <returns>Null where the thread is in no call, or this user may not see it.</returns>
    public static ThreadCall? TryRead(string folder, ref byte[] buffer, out bool isReadable)
    {
        var read = ProcFile.Read(folder + "/syscall", ref buffer);
        isReadable = read > 0;
        return read <= 0 ? null : Parse(Encoding.ASCII.GetString(buffer, 0, read));
    }

    internal static ThreadCall? Parse(string text)
    {
        // "257 0xffffff9c 0x7ffd86acd9d9 0x0 …"; "running" where it is in no call.
        var fields = text.Split(' ');
        return fields.Length >= 4 && int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new ThreadCall(number, Hex(fields[1]), Hex(fields[2]), Hex(fields[3])) : null;
    }

    private static ulong Hex(string text) => text.Length > 2
        && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
