using System.Text.RegularExpressions;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>The library's texts name no command, because C# programs use it; the module adds the commands to its errors.</summary>
public partial class ErrorAdviceTests
{
    [Fact]
    public void The_library_names_no_command_and_no_parameter() =>
        Assert.Empty(
            from path in Directory.EnumerateFiles(
            Path.Combine(Build.RepositoryRoot, "src", "IpcPs.Core"), "*.cs", SearchOption.AllDirectories)
            where !path.Contains("/obj/", StringComparison.Ordinal)
            from line in File.ReadLines(path).Select(static (text, i) => (text, number: i + 1))
            where CommandOrParameter().IsMatch(line.text)
            select $"{path}:{line.number}: {line.text.Trim()}");

    [Fact]
    public void Every_advice_of_the_library_has_its_command() =>
        Assert.All(
            Enum.GetValues<IpcAdvice>(), static advice => Assert.Equal(advice == IpcAdvice.None, ErrorRecords.Command(advice) is null));

    [Fact]
    public void The_recommended_action_names_the_command()
    {
        var usual = new IpcException(IpcErrors.NotSupported, "No.") { Advice = IpcAdvice.UseUnixSocket };
        Assert.Equal("Use a unix socket.", usual.RecommendedAction);
        Assert.Equal(
            "Use a unix socket. New-IpcSocket unix:NAME creates one.", ErrorRecords.ToRecord(usual).ErrorDetails.RecommendedAction);
        var own = new IpcException(IpcErrors.NotSupported, "No.", recommendedAction: "Try again.") { Advice = IpcAdvice.OpenWithAccess };
        Assert.Equal("Try again. Use Open-IpcObject -Access.", ErrorRecords.ToRecord(own).ErrorDetails.RecommendedAction);
        Assert.Null(ErrorRecords.ToRecord(new IpcException(IpcErrors.Timeout, "No.")).ErrorDetails);
    }

    // A parameter is a word in a text or a comment: a minus sign of an expression has a C# name after it.
    [GeneratedRegex("[A-Z][a-z]+-Ipc|\\b(?:Get|New|Start|Import)-[A-Z]|[\\s\"'(>]-(?!Marshal|Line|Id|Errno|Max)[A-Z][a-z]+")]
    private static partial Regex CommandOrParameter();
}
