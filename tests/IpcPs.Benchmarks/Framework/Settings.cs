using System.Globalization;

namespace IpcPs.Benchmarks.Framework;

/// <summary>What the command line asks for: <c>[--filter TEXT] [--repeat N] [--scale X] [--list] [--markdown FILE] [--svg
/// FILE]</c>.</summary>
internal sealed record Settings(string? Filter, int Repetitions, double Scale, bool ListOnly, string? Markdown, string? Svg)
{
    /// <summary>Multiplies every count of messages; 1 takes some seconds a comparison.</summary>
    public static double CurrentScale { get; private set; } = 1;

    public static Settings Parse(string[] args)
    {
        string? filter = null;
        var repetitions = 5;
        var scale = 1.0;
        var list = false;
        string? markdown = null;
        string? svg = null;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--filter": filter = args[++i]; break;
                case "--repeat": repetitions = int.Parse(args[++i], CultureInfo.InvariantCulture); break;
                case "--scale": scale = double.Parse(args[++i], CultureInfo.InvariantCulture); break;
                case "--list": list = true; break;
                case "--markdown": markdown = args[++i]; break;
                case "--svg": svg = args[++i]; break;
                default:
                    throw new ArgumentException(
                    $"Unknown argument '{args[i]}'. Known: --filter TEXT, --repeat N, --scale X, --list, --markdown FILE, --svg FILE.");
            }
        }
        CurrentScale = scale;
        return new Settings(filter, repetitions, scale, list, markdown, svg);
    }

    /// <summary>A count, scaled.</summary>
    public static int Count(int full) => Math.Max(100, (int)(full * CurrentScale));
}
