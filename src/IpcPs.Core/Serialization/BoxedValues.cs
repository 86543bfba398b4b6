namespace IpcPs.Serialization;

/// <summary>Small values that need not be allocated again each time.</summary>
internal static class BoxedValues
{
    private const int Lowest = -128;
    private const int Highest = 1023;

    public static readonly object True = true;
    public static readonly object False = false;

    private static readonly object[] Integers = Enumerable.Range(Lowest, Highest - Lowest + 1).Select(static number => (object)number).ToArray();

    public static object Of(int value) => value is >= Lowest and <= Highest ? Integers[value - Lowest] : value;
}
