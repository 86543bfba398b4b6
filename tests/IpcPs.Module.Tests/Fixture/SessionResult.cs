using System.Management.Automation;
using IpcPs.Tests.Serialization;

namespace IpcPs.Module.Tests.Fixture;

/// <summary>What a script gave, stream by stream.</summary>
/// <param name="Output">The output objects.</param>
/// <param name="Errors">All error records; a terminating one comes last.</param>
/// <param name="Warnings">The warnings' texts.</param>
/// <param name="Verbose">The verbose messages' texts.</param>
/// <param name="Information">The information records' texts.</param>
/// <param name="Progress">The progress records.</param>
/// <param name="WasTerminated">Whether an error ended the script.</param>
/// <param name="WasStopped">Whether Stop() ended the script.</param>
public sealed record SessionResult(
    IReadOnlyList<PSObject?> Output,
    IReadOnlyList<ErrorRecord> Errors,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<string> Verbose,
    IReadOnlyList<string> Information,
    IReadOnlyList<ProgressRecord> Progress,
    bool WasTerminated,
    bool WasStopped)
{
    /// <summary>The output without PowerShell's wrapping.</summary>
    public IReadOnlyList<object?> Values => [.. Output.Select(static o => o?.BaseObject)];

    /// <summary>The one output object; fails the test where there is not exactly one, or any error.</summary>
    public object? Single()
    {
        NoErrors();
        return Xunit.Assert.Single(Values);
    }

    /// <summary>The one error; fails the test where there is not exactly one.</summary>
    public ErrorRecord Error()
    {
        if (Errors.Count != 1) Xunit.Assert.Fail($"One error was expected, and these came: {Describe()}");
        return Errors[0];
    }

    /// <summary>Fails the test where there was an error; says which.</summary>
    public SessionResult NoErrors()
    {
        if (Errors.Count > 0) Xunit.Assert.Fail($"No error was expected, and these came: {Describe()}");
        return this;
    }

    private string Describe() =>
        Errors.Count == 0 ? "(none)"
        : string.Join(
        "\n", Errors.Select(
        static e => $"{e.FullyQualifiedErrorId} ({e.CategoryInfo.Category}): {e}\n{e.InvocationInfo?.PositionMessage}"));
}
