using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>Every <c>powershell</c> block of the README and the handbook runs as printed.</summary>
public class PrintedExampleTests
{
    // Add a block here only where it can't run by itself; the line above it in the document says why.
    private static readonly string[] NotRun =
    [
        "more-than-one-machine.md, Jobs over OpenSSH, 1", "more-than-one-machine.md, Receiving, 1", "sockets.md, Started by systemd, 1",
    ];

    private static readonly PrintedExample[] Examples =
        [.. PrintedExample.Read("", "README.md"), .. PrintedExample.Read("docs/handbook", "*.md")];

    public static TheoryData<string> Names => PrintedExample.Names(Examples, needTools: false);

    public static TheoryData<string> NamesWithTools => PrintedExample.Names(Examples, needTools: true);

    [Theory]
    [MemberData(nameof(Names))]
    public Task Handbook(string name) => RunAsync(name);

    [ToolTheory("gcc", "python3", "nats-server")]
    [MemberData(nameof(NamesWithTools))]
    public Task Handbook_with_other_programs(string name) => RunAsync(name);

    [Fact]
    public void Only_these_blocks_are_not_run_and_the_line_above_says_why()
    {
        var notRun = Examples.Concat(PrintedHelpExampleTests.Examples).Where(static e => e.Info.Length > 0).ToList();
        Assert.Equal(NotRun, notRun.Select(static e => e.Name));
        Assert.All(notRun, static e => Assert.Equal("no-run", e.Info));
        Assert.All(notRun, static e => Assert.EndsWith(":", e.LineAbove, StringComparison.Ordinal));
    }

    private static Task RunAsync(string name) => PrintedExampleRun.RunAsync(Examples.First(e => e.Name == name));
}

/// <summary>The <c>powershell</c> blocks of each help page run as printed. A class of its own, so that two pages run at a time.</summary>
public class PrintedHelpExampleTests
{
    internal static readonly PrintedExample[] Examples = [.. PrintedExample.Read("docs/en-US", "*.md")];

    public static TheoryData<string> Pages => [.. Examples.Select(static e => e.Page).Distinct()];

    [Theory]
    [MemberData(nameof(Pages))]
    public Task Help(string page) => PrintedExampleRun.RunAsync([.. Examples.Where(e => e.Page == page && e.Info.Length == 0)]);

    [Fact]
    public void Help_needs_no_other_programs() => Assert.Empty(PrintedExample.Names(Examples, needTools: true));
}
