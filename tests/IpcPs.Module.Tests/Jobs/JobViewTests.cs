using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>What a job shows of itself, in 80 columns.</summary>
public sealed class JobViewTests : JobTests
{
    [Fact]
    public void Lists_and_tables_show_what_one_wants_to_know_of_a_job()
    {
        var result = Session.Run(
            """
            $source = Start-IpcJob { 1..9
            } -Name numbers
            $job = $source | Start-IpcJob -Process { if ($_ -eq 7) { throw 'seven' }; $_ } -Workers 1 -Via Ring -Name sorter
            $null = Wait-Job $job -Timeout 60
            $job, $source | ForEach-Object { $_ | Format-List | Out-String -Width 80 }
            $job | Out-String -Width 80
            $job.Workers | Out-String -Width 80
            $job.Workers[0].ProcessId; $source.ProcessId
            """).NoErrors();
        var text = result.Values.Select(static v => v!.ToString()!.ReplaceLineEndings("\n")).ToArray();
        var (worker, source) = (text[4], text[5]);
        Assert.Equal(
            [
                "Name        : sorter", "State       : Failed", "HasMoreData : True",
                "Command     : if ($_ -eq 7) { throw 'seven' }; $_", "Location    : 1 worker",
                "Items       : 9 done, 1 failed, 0 in flight", $"Workers     : 1: process {worker}, Ended, 9 done, 1 failed",
                "Input       : from numbers through Ring", "Output      : to this session",
            ],
            Lines(text[0]).Skip(1).Take(9));
        Assert.Equal(
            ["ExitCode    : 1", "Failure     : Stage 2 of 2, job 'sorter' (1 worker), failed for 1 of 9 items."],
            Lines(text[0]).TakeLast(2));
        Assert.Equal(
            [
                "Name        : numbers", "State       : Completed", "HasMoreData : False", "Command     : 1..9",
                $"Location    : process {source}", "Input       : none", "Output      : to sorter",
            ],
            Lines(text[1]).Skip(1).Take(7));
        Assert.Equal("Id   Name           State     HasMoreData Location        Command", Lines(text[2]).First());
        // The id has as many digits as there were jobs in this process.
        Assert.EndsWith(" sorter         Failed    True        1 worker        if ($_ -eq 7) { throw…", Lines(text[2]).Last(),
            StringComparison.Ordinal);
        Assert.Equal(["Id", "ProcessId", "State", "ItemsDone", "ItemsFailed"], Words(Lines(text[3]).First()));
        Assert.Equal(["1", worker, "Ended", "9", "1"], Words(Lines(text[3]).Last()));
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Lines(string text) =>
        [.. text.Split('\n').Select(static l => l.TrimEnd()).Where(static l => l.Length > 0)];
}
