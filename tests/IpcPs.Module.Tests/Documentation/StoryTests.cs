using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace IpcPs.Module.Tests;

/// <summary>docs/examples/story.ps1 tells what happens; here it is held to it.</summary>
public sealed class StoryTests : IDisposable
{
    private const int SIGINT = 2;

    private static readonly string Story = Path.Combine(Build.RepositoryRoot, "docs", "examples", "story.ps1");

    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Every_scene_shows_what_it_says_and_nothing_is_left()
    {
        using var running = Shell.Pwsh.StartArguments(["-NoProfile", "-NonInteractive", Story, "-Megabytes", "20"]);
        var stout = running.Id;
        var story = running.Finish().Succeeded().Output;

        var thin = int.Parse(Match(story, @"I am process (\d+), and listen").Groups[1].Value, CultureInfo.InvariantCulture);
        Match(story, $"USR1 came, from process {stout}. It carries nothing.");
        Match(story, $@"RTMIN\+1 came, from process {stout}. It carries 42.");

        Match(story, "Over TCP came 'the word is swordfish', from user ");
        Match(story, @"captured on lo, by a raw socket: E.*the word is swordfish|is not permitted here|was not captured among it");
        Match(story, $"Over a Unix socket came 'the new word is mackerel', from process {thin}:");
        if (story.Contains("by a raw socket", StringComparison.Ordinal)) Match(story, "The one through the Unix socket was not");

        Match(story, "I wrote 65536 bytes that nobody read. Then the pipe was full");
        Match(story, "I have read 65536 bytes");

        Match(story, $@"\(process {thin}\) was killed by signal KILL");
        Match(story, "The anonymous pipe: IpcPeerClosed");
        Match(story, "The mutex that Thin held is mine now, and I was told that its holder died");
        Assert.NotEqual(thin, int.Parse(Match(story, @"I am process (\d+) now. My old pipe: IpcNotFound").Groups[1].Value, CultureInfo.InvariantCulture));
        Match(story, "The queue is still there, and in it: fire!, water the flowers");
        Match(story, "The named pipe is still there, and through it came: welcome back");

        Match(story, "in one queue: 2, 4, 6, 8, 10, … 400");
        Match(story, "20 MB in 4 parts");
        Match(story, "SHA-256 at both ends: [0-9A-F]{16}");
        Match(story, "100,000 numbers came; their sum is 5000050000");

        // What the story itself lists while all is there, so that the proof below is about something.
        foreach (var address in (string[])[.. Addresses(stout), $"mq:/story-{stout}", $"sysvmq:0x{0x57000000 + stout:x}"]) Match(story, $"      {Regex.Escape(address)} ");
        Match(story, "After: .* none of the story's");
        foreach (var mechanism in (string[])["signal", "real-time signal", "TCP on loopback", "Unix socket", "anonymous pipes", "mutex", "POSIX queue", "named pipe",
            "System V queue", "shared memory", "semaphore", "ring"])
        {
            Match(story, $@"^{mechanism} +\S.* [\d,]+ +[\d,]+ +[\d.]+$");
        }
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

    private static IEnumerable<string> Addresses(int id) => ((string[])["fifo:", "mutex:", "ring:/", "shm:/", "sem:/"]).Select(prefix => $"{prefix}story-{id}");

    private void AssertNothingIsLeft(int stout) => Assert.Empty(Left(stout));

    private IEnumerable<string> Left(int stout) =>
        _session.Run("Get-IpcObject \"*story-$($args[0])*\", $args[1] -All -ErrorAction Ignore | ForEach-Object { $_.Address.Text }", stout, $"sysvmq:0x{0x57000000 + stout:x}*")
            .NoErrors().Values.Select(static v => v!.ToString()!);

    private static Match Match(string story, string pattern)
    {
        var match = Regex.Match(story, pattern, RegexOptions.Multiline);
        if (!match.Success) Assert.Fail($"'{pattern}' is not in the story:\n{story}");
        return match;
    }
}
