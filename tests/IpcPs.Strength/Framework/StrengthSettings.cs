using System.Globalization;

namespace IpcPs.Strength.Framework;

/// <summary>What the command line asks for.</summary>
/// <param name="Filter">Only attacks with this text in their names.</param>
/// <param name="Rounds">How many kills, or clients, or cycles an attack makes for each mechanism.</param>
/// <param name="Seconds">How long an attack by random input goes on.</param>
/// <param name="SoakSeconds">How long everything runs at once; 0: not at all.</param>
/// <param name="Seed">Repeats the random choices of a run.</param>
/// <param name="ListOnly">Whether only to print the names.</param>
internal sealed record StrengthSettings(string? Filter, int Rounds, double Seconds, double SoakSeconds, int Seed, bool ListOnly)
{
    private const string Known = "Known: --long, --filter TEXT, --rounds N, --seconds N, --soak SECONDS, --seed N, --list.";

    private static readonly StrengthSettings Short = new(null, 4, 1, 6, Environment.TickCount & int.MaxValue, false);

    public static StrengthSettings Parse(string[] args)
    {
        var settings = Short;
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => i + 1 < args.Length ? args[++i] : throw new ArgumentException($"'{args[i]}' needs a value. {Known}");
            double Number() => double.Parse(Value(), CultureInfo.InvariantCulture);
            settings = args[i] switch
            {
                "--long" => settings with { Rounds = 200, Seconds = 60, SoakSeconds = 1800 },
                "--filter" => settings with { Filter = Value() },
                "--rounds" => settings with { Rounds = (int)Number() },
                "--seconds" => settings with { Seconds = Number() },
                "--soak" => settings with { SoakSeconds = Number() },
                "--seed" => settings with { Seed = (int)Number() },
                "--list" => settings with { ListOnly = true },
                var unknown => throw new ArgumentException($"Unknown argument '{unknown}'. {Known}"),
            };
        }
        return settings;
    }
}
