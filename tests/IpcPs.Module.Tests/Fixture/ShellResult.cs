namespace IpcPs.Module.Tests.Fixture;

/// <summary>What a child process left.</summary>
/// <param name="ExitCode">Its exit code; 128 + N where signal N ended it.</param>
/// <param name="Output">All of its standard output.</param>
/// <param name="Error">All of its standard error.</param>
public sealed record ShellResult(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard output.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Fails the test where the exit code is not 0; says what standard error said.</summary>
    public ShellResult Succeeded()
    {
        if (ExitCode != 0 || Error.Length > 0) Xunit.Assert.Fail($"Exit code {ExitCode}. Output: {Output}\nError: {Error}");
        return this;
    }
}
