using System.Diagnostics;
using System.Globalization;
using IpcPs.Tests.Serialization;
using Mutation = IpcPs.Tests.Serialization.Fuzz;

namespace IpcPs.Strength.Fuzz;

/// <summary>Feeds a reader with random input and with good input that was changed. Whatever it is given, it returns or throws an
/// <see cref="IpcException"/>.</summary>
/// <param name="what">What reads it.</param>
/// <param name="good">Input that it accepts.</param>
/// <param name="read">Reads one input.</param>
internal sealed class FuzzAttack(string what, IReadOnlyList<byte[]> good, Action<byte[]> read) : IAttack
{
    private const int LongestRandom = 300;
    private const int MostFaults = 5;

    public string Name => $"fuzz, {what}";

    public void Run(AttackContext context)
    {
        var clock = Stopwatch.StartNew();
        var inputs = 0L;
        var refused = 0L;
        for (; clock.Elapsed.TotalSeconds < context.Settings.Seconds && context.Faults.Count < MostFaults; inputs++)
        {
            var random = context.Random;
            var input = random.Next(4) == 0
                ? Mutation.Random(random, LongestRandom) : Mutation.Mutate(good[random.Next(good.Count)], random);
            try
            {
                read(input);
            }
            catch (IpcException)
            {
                refused++;
            }
            catch (Exception e)
            {
                context.Fault($"Input {Convert.ToHexString(input.AsSpan(0, Math.Min(input.Length, 500)))}: {e}");
            }
        }
        context.Figures = string.Create(CultureInfo.InvariantCulture, $"{inputs:N0} inputs, {refused:N0} refused");
    }
}
