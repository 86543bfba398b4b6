using System.Globalization;
using System.Text.RegularExpressions;
using IpcPs.Signals;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Documentation;

/// <summary>docs/examples/story.ps1 prints what happens. These tests check that it does happen.</summary>
public sealed class StoryTests : IDisposable
{
    private const int SIGINT = 2;

    private static readonly string[] Mechanisms =
    [
        "signal", "real-time signal", "TCP on loopback", "Unix socket", "anonymous pipes", "mutex",
        "POSIX queue", "named pipe", "System V queue", "shared memory", "semaphore", "ring",
    ];

    private static readonly string Story = Path.Combine(Build.RepositoryRoot, "docs", "examples", "story.ps1");

    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Every_scene_shows_what_it_says_and_nothing_is_left()
    {
        using var running = Shell.Pwsh.StartArguments(["-NoProfile", "-NonInteractive", Story, "-Megabytes", "20"]);
        var stout = running.Id;
        var story = running.Finish().Succeeded().Output;

        var thin = int.Parse(Match(story, @"I am process (\d+), and I listen").Groups[1].Value, CultureInfo.InvariantCulture);
        Match(story, $"USR1 came from process {stout}. It carries nothing.");
        Match(story, $@"RTMIN\+1 came from process {stout}. It carries 42.");

        Match(story, "Over TCP came 'the word is swordfish', from user ");
        Match(story,
            "a trace of the loopback interface shows it: -> the word is swordfish|is not permitted here|the trace missed the packet");
        Match(story, $"Over a Unix socket came 'the new word is mackerel', from process {thin}:");
        var isCaptured = story.Contains("a trace of the loopback interface shows", StringComparison.Ordinal);
        if (isCaptured) Match(story, "and not the one through the Unix socket");

        Match(story, "I wrote 65536 bytes while Thin read none. Then the pipe was full");
        Match(story, "I have read 65536 bytes");

        Match(story, $@"\(process {thin}\) was killed by signal KILL");
        Match(story, "The anonymous pipe: IpcPeerClosed");
        Match(story, "The mutex that Thin held is mine now, and I was notified that its holder died");
        var newThin = Match(story, @"I am process (\d+) now. My old pipe: IpcNotFound").Groups[1].Value;
        Assert.NotEqual(thin, int.Parse(newThin, CultureInfo.InvariantCulture));
        Match(story, "The queue is still there, and in it: fire!, water the flowers");
        Match(story, "The named pipe is still there, and through it came: welcome back");

        Match(story, @"in one queue: 2, 4, 6, 8, 10, \.\.\. 400");
        Match(story, "20 MB in 4 parts");
        Match(story, "SHA-256 on both sides: [0-9A-F]{16}");
        Match(story, "100000 numbers came. Their sum is 5000050000");

        // The story lists all of its objects while they exist. Without that, the check below that none is left would mean nothing.
        foreach (var address in Addresses(stout)) Match(story, $"      {Regex.Escape(address)} ");
        Match(story, "After: .* None belongs to the story");
        foreach (var mechanism in Mechanisms) Match(story, $@"^{mechanism} +\S.* [\d.,]+ +[\d.,]+ +[\d.,]+ *$");
        foreach (var line in ReadmeExcerpt()) Match(story, Pattern(line));
        AssertNothingIsLeft(stout);
    }

    [Fact]
    public void A_story_that_is_interrupted_leaves_nothing_either()
    {
        using var running = Shell.Pwsh.StartArguments(["-NoProfile", "-NonInteractive", Story, "-Megabytes", "10"]);
        var stout = running.Id;
        while (running.ReadLine() is { } line && !line.StartsWith("== The ring", StringComparison.Ordinal)) { }
        Assert.NotEmpty(Left(stout));
        running.Signal(SIGINT);
        running.Finish();
        AssertNothingIsLeft(stout);
    }

    private static IEnumerable<string> Addresses(int id) =>
        ((string[])["fifo:", "mutex:", "ring:/", "shm:/", "sem:/", "mq:/"]).Select(prefix => $"{prefix}story-{id}")
        .Append($"sysvmq:0x{0x57000000 + id:x}");

    // What README.md shows of the story.
    private static string[] ReadmeExcerpt()
    {
        var readme = File.ReadAllText(Path.Combine(Build.RepositoryRoot, "README.md"));
        var excerpt = Regex.Match(readme, "```console\n(== .*?)```", RegexOptions.Singleline);
        Assert.True(excerpt.Success, "README.md shows nothing of the story.");
        return excerpt.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    // Process ids, sizes and hashes differ from run to run.
    private static string Pattern(string line) =>
        $"^{Regex.Replace(Regex.Escape(line), "[0-9A-F]{16}|[0-9]+", static m => m.Value.Length == 16 ? "[0-9A-F]{16}" : "[0-9]+")}$";

    private void AssertNothingIsLeft(int stout) => Assert.Empty(Left(stout));

    private IEnumerable<string> Left(int stout) =>
        _session.Run(
            "Get-IpcObject \"*story-$($args[0])*\", $args[1] -All -ErrorAction Ignore | ForEach-Object { $_.Address.Text }",
            stout,
            $"sysvmq:0x{0x57000000 + stout:x}*").NoErrors().Values.Select(static v => v!.ToString()!);

    private static Match Match(string story, string pattern)
    {
        var match = Regex.Match(story, pattern, RegexOptions.Multiline);
        if (!match.Success) Assert.Fail($"'{pattern}' is not in the story:\n{story}");
        return match;
    }
}
