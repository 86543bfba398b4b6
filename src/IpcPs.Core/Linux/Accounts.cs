using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>Users and groups by name and by number, as the system's name services know them: getpwuid_r(3), getpwnam_r(3), getgrgid_r(3),
/// getgrnam_r(3), getgroups(2).</summary>
internal static unsafe class Accounts
{
    private const int FirstBufferSize = 1024;
    private const int LargestBufferSize = 1 << 20;

    private static readonly ConcurrentDictionary<uint, string> Users = new();
    private static readonly ConcurrentDictionary<uint, string> Groups = new();

    /// <summary>The user's name; the number as text where no user has it.</summary>
    public static string UserName(uint id) => Users.GetOrAdd(id, static id => NameOf(id, isUser: true));

    /// <summary>The group's name; the number as text where no group has it.</summary>
    public static string GroupName(uint id) => Groups.GetOrAdd(id, static id => NameOf(id, isUser: false));

    /// <summary>The number of a user given by name or number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: there is no such user.</exception>
    public static uint UserId(string name) => IdOf(name, isUser: true);

    /// <summary>The number of a group given by name or number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: there is no such group.</exception>
    public static uint GroupId(string name) => IdOf(name, isUser: false);

    /// <summary>Whether this process has the group, as its own or as a supplementary one.</summary>
    public static bool IsInGroup(uint id)
    {
        if (Libc.getegid() == id) return true;
        var count = Libc.getgroups(0, null);
        if (count <= 0) return false;
        var groups = new uint[count];
        fixed (uint* first = groups) count = Libc.getgroups(count, first);
        return count > 0 && groups.AsSpan(0, count).Contains(id);
    }

    private static string NameOf(uint id, bool isUser) => LookUp(isUser, null, id)?.Name ?? id.ToString(CultureInfo.InvariantCulture);

    private static uint IdOf(string name, bool isUser)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        return LookUp(isUser, name, 0)?.Id
            ?? throw IpcException.Argument($"There is no {(isUser ? "user" : "group")} '{name}' on this machine.", name);
    }

    // Null where there is no such account, or where the name service fails: then a number has to do.
    private static (string Name, uint Id)? LookUp(bool isUser, string? name, uint id)
    {
        for (var size = FirstBufferSize; size <= LargestBufferSize; size *= 4)
        {
            var buffer = new byte[size];
            fixed (byte* texts = buffer)
            {
                Libc.Account account;
                Libc.Account* found;
                var errno = (isUser, name) switch
                {
                    (true, null) => Libc.getpwuid_r(id, &account, texts, (nuint)size, &found),
                    (true, _) => Libc.getpwnam_r(name, &account, texts, (nuint)size, &found),
                    (false, null) => Libc.getgrgid_r(id, &account, texts, (nuint)size, &found),
                    (false, _) => Libc.getgrnam_r(name, &account, texts, (nuint)size, &found),
                };
                // The buffer is too small for the account's texts: a group may have many members.
                if (errno == Errno.ERANGE) continue;
                return errno == 0 && found != null ? (Marshal.PtrToStringUTF8((nint)found->Name) ?? "", found->Id) : null;
            }
        }
        return null;
    }
}
