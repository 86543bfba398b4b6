using System.Collections.Concurrent;
using System.Globalization;
using Mono.Unix;

namespace IpcPs.Linux;

/// <summary>Users and groups by name and number, as the system's name services know them (getpwuid(3), getgrgid(3), through Mono.Posix).</summary>
internal static class Accounts
{
    private static readonly ConcurrentDictionary<uint, string> Users = new();
    private static readonly ConcurrentDictionary<uint, string> Groups = new();

    /// <summary>The user's name; the number as text where nobody has it.</summary>
    public static string UserName(uint id) => Users.GetOrAdd(id, static id => Ask(() => new UnixUserInfo(id).UserName, id));

    /// <summary>The group's name; the number as text where none has it.</summary>
    public static string GroupName(uint id) => Groups.GetOrAdd(id, static id => Ask(() => new UnixGroupInfo(id).GroupName, id));

    /// <summary>The number of a user given by name or number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: there is no such user.</exception>
    public static uint UserId(string name) => IdOf(name, "user", static n => new UnixUserInfo(n).UserId);

    /// <summary>The number of a group given by name or number.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: there is no such group.</exception>
    public static uint GroupId(string name) => IdOf(name, "group", static n => new UnixGroupInfo(n).GroupId);

    /// <summary>Whether this process has the group, as its own or as a supplementary one (getgroups(2)).</summary>
    public static unsafe bool IsInGroup(uint id)
    {
        if (Libc.getegid() == id) return true;
        var count = Libc.getgroups(0, null);
        if (count <= 0) return false;
        var groups = new uint[count];
        fixed (uint* first = groups) count = Libc.getgroups(count, first);
        return count > 0 && groups.AsSpan(0, count).Contains(id);
    }

    private static string Ask(Func<string> ask, uint id)
    {
        try
        {
            return ask();
        }
        catch (Exception e) when (IsUnknown(e))
        {
            return id.ToString(CultureInfo.InvariantCulture);
        }
    }

    private static uint IdOf(string name, string what, Func<string, long> ask)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
        try
        {
            return (uint)ask(name);
        }
        catch (Exception e) when (IsUnknown(e))
        {
            throw IpcException.Argument($"There is no {what} '{name}' on this machine.", name);
        }
    }

    // An unknown account is an ArgumentException; where the package's native part has no build (musl), numbers have to do.
    private static bool IsUnknown(Exception e) => e is ArgumentException or UnixIOException or DllNotFoundException or TypeInitializationException;
}
