using System.Runtime.InteropServices;

namespace IpcPs.Linux;

/// <summary>termios(3).</summary>
internal static unsafe partial class Libc
{
    public const int TCSADRAIN = 1;
    public const uint ICANON = 2;
    public const uint ECHO = 8;

    /// <summary><c>struct termios</c> on Linux, 60 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 60)]
    public struct Termios
    {
        public uint InputModes;
        public uint OutputModes;
        public uint ControlModes;
        public uint LocalModes;
        public byte Line;
        private fixed byte _controlCharacters[32];
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int tcgetattr(int fd, Termios* termios);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int tcsetattr(int fd, int actions, Termios* termios);
}
