using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>The shells that a test's expectations hold for: ipcps, and pwsh where it is installed, to show that they are the same.</summary>
internal static class ShellData
{
    public const string Host = "ipcps";

    public const string Pwsh = "pwsh";

    public static IReadOnlyList<string> Names { get; } = ModuleSession.Pwsh is null ? [Host] : [Host, Pwsh];

    public static TheoryData<string> All => [.. Names];

    public static Shell Get(string name) => name == Host ? ModuleSession.Host : ModuleSession.Pwsh!;
}
