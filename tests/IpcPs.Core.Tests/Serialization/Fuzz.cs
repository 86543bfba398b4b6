using System.Diagnostics;
using System.Globalization;

namespace IpcPs.Tests.Serialization;

/// <summary>Random bytes that a failing test can be given again.</summary>
/// <remarks>IPCPS_FUZZ_SEED repeats a run, IPCPS_FUZZ_SECONDS lets one go on for longer than the few seconds that belong into a test
/// run.</remarks>
internal sealed class Fuzz
{
    private readonly TimeSpan _time = TimeSpan.FromSeconds(Number("IPCPS_FUZZ_SECONDS") ?? 2);

    public int Seed { get; } = (int?)Number("IPCPS_FUZZ_SEED") ?? Environment.TickCount;

    /// <summary>Feeds a target with one input after the other until the time is over; what it throws fails the test with seed, round and
    /// bytes.</summary>
    /// <returns>How many rounds there were.</returns>
    public int Run(Func<Random, byte[]> make, Action<byte[]> target)
    {
        var clock = Stopwatch.StartNew();
        var round = 0;
        for (; clock.Elapsed < _time; round++)
        {
            // Each round has a generator of its own, so that one can be repeated without those before it.
            var input = make(new Random(HashCode(Seed, round)));
            try
            {
                target(input);
            }
            catch (Exception e)
            {
                var hex = Convert.ToHexString(input.AsSpan(0, Math.Min(input.Length, 2000)));
                throw new InvalidOperationException($"Seed {Seed}, round {round}, input {hex}: {e.Message}", e);
            }
        }
        return round;
    }

    /// <summary>A copy in which some bytes, bits or stretches are different.</summary>
    public static byte[] Mutate(byte[] original, Random random)
    {
        var bytes = new List<byte>(original);
        for (var changes = random.Next(1, 6); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, random.Next(1, Math.Min(8, bytes.Count - at) + 1));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(1, Math.Min(8, bytes.Count - at) + 1)));
                    break;
                case 4:
                    // A head that claims far more than there is.
                    bytes[at] = (byte)((bytes[at] & 0xE0) | random.Next(24, 32));
                    break;
                case 5:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }
        return [.. bytes];
    }

    public static byte[] Random(Random random, int longest)
    {
        var bytes = new byte[random.Next(longest)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static int HashCode(int seed, int round) => unchecked((seed * 397) ^ (round * 7919));

    private static long? Number(string variable) =>
        long.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : null;
}
