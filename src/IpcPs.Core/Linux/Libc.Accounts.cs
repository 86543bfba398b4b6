using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>getuid(2), getgroups(2), getpwnam(3), getgrnam(3).</summary>
internal static unsafe partial class Libc
{
    /// <summary>What <c>struct passwd</c> and <c>struct group</c> begin with on 64-bit Linux, and their longest size.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 64)]
    public struct Account
    {
        public byte* Name;
        private readonly byte* _password;
        public uint Id;
    }

    [LibraryImport(Name)]
    public static partial uint getuid();

    [LibraryImport(Name)]
    public static partial uint geteuid();

    [LibraryImport(Name)]
    public static partial uint getegid();

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getgroups(int count, uint* groups);

    // These return the errno instead of setting it.
    [LibraryImport(Name)]
    public static partial int getpwuid_r(uint id, Account* account, byte* texts, nuint size, Account** found);

    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int getpwnam_r(string name, Account* account, byte* texts, nuint size, Account** found);

    [LibraryImport(Name)]
    public static partial int getgrgid_r(uint id, Account* account, byte* texts, nuint size, Account** found);

    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int getgrnam_r(string name, Account* account, byte* texts, nuint size, Account** found);
}
