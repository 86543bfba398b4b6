namespace IpcPs.Host;

/// <summary>The entry point of <c>ipcps</c>.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var line = CommandLine.Parse(args, Console.IsInputRedirected);
        if (line.Error is { } error)
        {
            Console.Error.WriteLine(error);
            Console.Error.WriteLine(CommandLine.Usage);
            return ExitCodes.BadCommandLine;
        }
        switch (line.Mode)
        {
            case CommandMode.Help:
                Console.Out.WriteLine(CommandLine.Usage);
                return ExitCodes.Success;
            case CommandMode.Version:
                Console.Out.WriteLine($"ipcps {ConsoleHost.OwnVersion} (PowerShell {ConsoleHost.EngineVersion})");
                return ExitCodes.Success;
        }

        // The engine reports its use to its makers unless told not to; a host in containers and on build servers has no business there.
        Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1");
        using var shell = new ConsoleShell(line);
        return shell.Run();
    }
}
