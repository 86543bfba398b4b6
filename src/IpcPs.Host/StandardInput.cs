using System.Management.Automation;
using System.Management.Automation.Runspaces;

namespace IpcPs.Host;

/// <summary>Gives a pipeline the lines of standard input as they come.</summary>
internal static class StandardInput
{
    /// <summary>Runs a pipeline to its end; how it ended is in its state.</summary>
    public static void Run(Pipeline pipeline)
    {
        using var finished = new ManualResetEventSlim();
        pipeline.StateChanged += (_, e) =>
        {
            if (e.PipelineStateInfo.State is PipelineState.Completed or PipelineState.Failed or PipelineState.Stopped) finished.Set();
        };
        pipeline.InvokeAsync();
        // In the background: a script may end before its input does, and the process with it.
        new Thread(() => Feed(pipeline.Input)) { IsBackground = true, Name = "standard input" }.Start();
        finished.Wait();
    }

    private static void Feed(PipelineWriter input)
    {
        try
        {
            while (Console.In.ReadLine() is { } line) input.Write(line);
            input.Close();
        }
        catch (PipelineClosedException)
        {
            // The script wants no more.
        }
    }
}
