using System.Diagnostics;
using System.Globalization;
using IpcPs.Signals;
using IpcPs.Waiting;
using Xunit;

namespace IpcPs.Module.Tests.Measurement;

/// <summary>The second process of Measure-IpcMechanism.</summary>
public sealed class MeasureShellTests
{
    [Fact]
    public void The_second_process_ends_with_a_session_that_is_killed()
    {
        // In a folder of its own, because a killed session leaves the named pipe that it measured.
        var folder = Directory.CreateTempSubdirectory("ipcps-test-").FullName;
        try
        {
            using var session = Shell.Pwsh.StartArguments(
                Shell.ScriptArguments("Measure-IpcMechanism Fifo -Size 100 -Count 10000000"),
                new Dictionary<string, string?> { ["XDG_RUNTIME_DIR"] = folder });
            var child = 0;
            // It has started to measure when the pipe is there.
            Assert.True(SpinWait.SpinUntil(() => (child = ChildOf(session.Id)) != 0
                && Directory.Exists(folder + "/ipcps") && Directory.GetFiles(folder + "/ipcps").Length > 0, TimeSpan.FromMinutes(1)));
            using var target = SignalTarget.Open(child);
            using (var killed = Process.GetProcessById(session.Id)) killed.Kill();
            Assert.True(target.WaitForEnd(Deadline.After(TimeSpan.FromMinutes(1))), "The second process still runs.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int ChildOf(int process)
    {
        try
        {
            // Each thread has its own children.
            var children = Directory.GetDirectories($"/proc/{process}/task").Select(static t => File.ReadAllText(t + "/children"));
            return children.SelectMany(static t => t.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Select(static id => int.Parse(id, CultureInfo.InvariantCulture)).FirstOrDefault();
        }
        catch (IOException)
        {
            // A thread ended meanwhile.
            return 0;
        }
    }
}
