using System.Globalization;

namespace IpcPs.Signals;

/// <summary>All signals of this machine (signal(7)).</summary>
public static class SignalTable
{
    internal const int SIGCHLD = 17;
    internal const int SIGCONT = 18;
    internal const int SIGWINCH = 28;

    /// <summary>What ThreadMasks reaches each thread with. No program and no kernel of today sends it.</summary>
    internal const int SIGSTKFLT = 16;

    private const string Runtime = "The .NET runtime needs it for itself: it is how a fault in the program's own code shows.";
    private const string Kernel = "The kernel lets no process receive it.";

    // The number is the place in the list. Linux has these numbers on x64 and arm64.
    private static readonly (string Name, string[] Aliases, SignalDisposition Action, string Description, string? WhyNot)[] Standard =
    [
        ("HUP", [], SignalDisposition.Terminate, "The terminal hung up; daemons read their configuration again", null),
        ("INT", [], SignalDisposition.Terminate, "Interrupt from the keyboard (Ctrl+C)", null),
        ("QUIT", [], SignalDisposition.CoreDump, "Quit from the keyboard (Ctrl+\\)", null),
        ("ILL", [], SignalDisposition.CoreDump, "Illegal instruction", Runtime),
        ("TRAP", [], SignalDisposition.CoreDump, "Trace or breakpoint trap", Runtime),
        ("ABRT", ["IOT"], SignalDisposition.CoreDump, "The program gave up (abort)", Runtime),
        ("BUS", [], SignalDisposition.CoreDump, "Access to memory that is not there: a file that was cut", Runtime),
        ("FPE", [], SignalDisposition.CoreDump, "Arithmetic error: division by zero", Runtime),
        ("KILL", [], SignalDisposition.Terminate, "Ends the process, whatever it wants", Kernel),
        ("USR1", [], SignalDisposition.Terminate, "For the program's own use", null),
        ("SEGV", [], SignalDisposition.CoreDump, "Access to memory that is not the program's", Runtime),
        ("USR2", [], SignalDisposition.Terminate, "For the program's own use", null),
        ("PIPE", [], SignalDisposition.Terminate, "Write to a pipe that nobody reads", ".NET ignores it, so that such a write fails with an error instead."),
        ("ALRM", [], SignalDisposition.Terminate, "The timer of alarm(2) expired", null),
        ("TERM", [], SignalDisposition.Terminate, "The request to end, with time to clean up", null),
        ("STKFLT", [], SignalDisposition.Terminate, "Unused since the coprocessor left", "IpcPs uses it to reach its own process's threads."),
        ("CHLD", ["CLD"], SignalDisposition.Ignore, "A child process ended or stopped", null),
        ("CONT", [], SignalDisposition.Continue, "Go on, if stopped", null),
        ("STOP", [], SignalDisposition.Stop, "Stops the process, whatever it wants", Kernel),
        ("TSTP", [], SignalDisposition.Stop, "Stop from the keyboard (Ctrl+Z)", null),
        ("TTIN", [], SignalDisposition.Stop, "A background process reads from the terminal", null),
        ("TTOU", [], SignalDisposition.Stop, "A background process writes to the terminal", null),
        ("URG", [], SignalDisposition.Ignore, "Urgent data on a socket", "IpcPs uses it to end calls that block."),
        ("XCPU", [], SignalDisposition.CoreDump, "The limit of processor time was reached", null),
        ("XFSZ", [], SignalDisposition.CoreDump, "The limit of file size was reached", null),
        ("VTALRM", [], SignalDisposition.Terminate, "The timer of own processor time expired", null),
        ("PROF", [], SignalDisposition.Terminate, "The profiling timer expired", null),
        ("WINCH", [], SignalDisposition.Ignore, "The terminal's window changed its size", null),
        ("IO", ["POLL"], SignalDisposition.Terminate, "Input or output is possible on a descriptor", null),
        ("PWR", [], SignalDisposition.Terminate, "Power is failing", null),
        ("SYS", ["UNUSED"], SignalDisposition.CoreDump, "A system call that does not exist, or that a filter refuses", null),
    ];

    private static readonly SignalDescription[] Descriptions = Describe();

    private static readonly Dictionary<string, int> Numbers = Descriptions
        .SelectMany(static d => d.Aliases.Append(NameOf(d.Number)).Select(n => (Name: n, d.Number)))
        .Where(static p => !char.IsAsciiDigit(p.Name[0]))
        .ToDictionary(static p => p.Name, static p => p.Number, StringComparer.OrdinalIgnoreCase);

    /// <summary>All of them, 1 to 64.</summary>
    public static IReadOnlyList<SignalDescription> All => Descriptions;

    /// <summary>What there is to know about one.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidSignal"/>: there is none of that number.</exception>
    public static SignalDescription Describe(Signal signal) =>
        signal.Number >= 1 && signal.Number <= Descriptions.Length ? Descriptions[signal.Number - 1]
        : throw new IpcException(IpcErrors.InvalidSignal, $"There is no signal {signal.Number} to describe.", signal.Name);

    /// <summary>Whether the process's earlier handler always runs too: others in it depend on these, and nobody wants to take them over.</summary>
    internal static bool IsObserved(int number) => number is SIGCHLD or SIGCONT or SIGWINCH;

    /// <exception cref="IpcException"><see cref="IpcErrors.SignalRefused"/>.</exception>
    internal static void RequireReceivable(Signal signal)
    {
        if (signal.Number == 0) throw new IpcException(IpcErrors.SignalRefused, "Signal 0 is never delivered, so it cannot be received.", signal.Name);
        if (Describe(signal).WhyNot is { } reason)
            throw new IpcException(IpcErrors.SignalRefused, $"{signal.Name} ({signal.Number}) cannot be received in this process. {reason}", signal.Name) { Advice = IpcAdvice.CheckSignals };
    }

    internal static string NameOf(int number)
    {
        if (number == 0) return "Test";
        if (number >= 1 && number <= Standard.Length) return Standard[number - 1].Name;
        var min = Signal.RealTimeMinimum;
        var max = Signal.RealTimeMaximum;
        if (number < min || number > max) return number.ToString(CultureInfo.InvariantCulture);
        if (number == min) return "RTMIN";
        if (number == max) return "RTMAX";
        // As kill -l has it: counted from the nearer end.
        return number - min <= (max - min) / 2 ? string.Create(CultureInfo.InvariantCulture, $"RTMIN+{number - min}") : string.Create(CultureInfo.InvariantCulture, $"RTMAX-{max - number}");
    }

    internal static int? NumberOf(string name) => Numbers.TryGetValue(name, out var number) ? number : null;

    private static SignalDescription[] Describe()
    {
        var all = new SignalDescription[Signal.RealTimeMaximum];
        for (var n = 1; n <= all.Length; n++) all[n - 1] = n <= Standard.Length ? OfStandard(n) : OfRealTime(n);
        return all;
    }

    private static SignalDescription OfStandard(int number)
    {
        var (_, aliases, action, description, whyNot) = Standard[number - 1];
        return new SignalDescription(number, aliases, SignalKind.Standard, action, description, whyNot);
    }

    private static SignalDescription OfRealTime(int number)
    {
        var min = Signal.RealTimeMinimum;
        if (number < min) return new SignalDescription(number, [], SignalKind.Reserved, SignalDisposition.Terminate, "Used by the C library", "The C library needs it for its threads.");
        var up = string.Create(CultureInfo.InvariantCulture, $"RTMIN+{number - min}");
        var down = string.Create(CultureInfo.InvariantCulture, $"RTMAX-{Signal.RealTimeMaximum - number}");
        var aliases = new[] { up, down }.Where(n => n != NameOf(number)).ToArray();
        // 34 whatever libc calls it: the runtime's own choice is SIGRTMIN of the libc it was built for.
        var whyNot = number <= 34 ? "The .NET runtime stops its threads with it when memory is collected." : null;
        return new SignalDescription(number, aliases, SignalKind.RealTime, SignalDisposition.Terminate, "For the program's own use; queued, in order, with a value", whyNot);
    }
}
