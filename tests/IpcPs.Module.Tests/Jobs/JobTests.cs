using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Jobs;

/// <summary>What the tests of jobs share: a session, and no job left after the test.</summary>
public abstract class JobTests : IDisposable
{
    /// <summary>The session.</summary>
    protected ModuleSession Session { get; } = new();

    /// <inheritdoc/>
    public void Dispose()
    {
        Session.Run("Get-Job | Remove-Job -Force");
        Session.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Runs a script whose last value is a job, waits for that, and gives it with what it said.</summary>
    /// <param name="start">The script.</param>
    /// <param name="arguments">Its <c>$args</c>.</param>
    protected (dynamic Job, SessionResult Result) Run(string start, params object?[] arguments)
    {
        Session.Run("$job = & {" + start + "} @args", arguments).NoErrors();
        Assert.Single(Session.Run("Wait-Job $job -Timeout 60").Output);
        return (((PSObject)Session.Get("job")!).BaseObject, Session.Run("Receive-Job $job"));
    }

    /// <summary>Checks an error's id, category and text.</summary>
    protected static void Expect(ErrorRecord error, string id, ErrorCategory category, string text)
    {
        ArgumentNullException.ThrowIfNull(error);
        Assert.StartsWith(id, error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(text, error.Exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Waits for a process that is not ours to reap.</summary>
    protected static void WaitForEnd(int processId)
    {
        Process process;
        try
        {
            process = Process.GetProcessById(processId);
        }
        catch (ArgumentException)
        {
            return;
        }
        using (process)
            Assert.True(
            process.WaitForExit(TimeSpan.FromSeconds(60)), string.Create(CultureInfo.InvariantCulture, $"Process {processId} still runs."));
    }
}
