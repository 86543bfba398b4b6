using System.Collections;
using System.Net;
using System.Numerics;
using System.Runtime.InteropServices;

namespace IpcPs.Serialization;

/// <summary>Compares the keys of received sets and dictionaries as .NET does, but with hashes that no sender can predict.</summary>
/// <remarks>The hash of a number is the same in every process: that of an Int64 is the exclusive or of its halves. A peer could choose keys
/// that all fall into one bucket, and filling a table of them would take time that grows with the square of their number. The hash of a
/// string has a seed that is random for each process (Marvin), so the bytes of other keys are hashed as if they were a string.</remarks>
internal sealed class KeyComparer : IEqualityComparer, IEqualityComparer<object?>
{
    private readonly StringComparer _text;

    private KeyComparer(StringComparer text) => _text = text;

    /// <summary>The case of text matters.</summary>
    public static KeyComparer Exact { get; } = new(StringComparer.Ordinal);

    /// <summary>The case of text does not matter.</summary>
    public static KeyComparer IgnoreCase { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether two keys of that type have the same hash only by chance. Of other types, a peer could send many unequal keys that
    /// have the same hash.</summary>
    public static bool IsWellHashed(object key) =>
        // Values of different enums may have the same number.
        key is not (IpcEnum or Enum) && (key is string || TryHash(key, out _));

    public new bool Equals(object? x, object? y) => _text.Equals(x, y);

    public int GetHashCode(object? obj)
    {
        if (obj is string text) return _text.GetHashCode(text);
        return obj is null ? 0 : TryHash(obj, out var hash) ? hash : Hash(obj.GetHashCode());
    }

    /// <summary>Hashes the whole content of a key. Keys that are equal get the same hash, as an IpcEnum and its number.</summary>
    private static bool TryHash(object key, out int hash)
    {
        switch (key)
        {
            case int number:
                hash = Hash(number);
                return true;
            case IpcEnum copy:
                hash = Hash(copy.Value);
                return true;
            case Enum live:
                hash = Hash(IpcEnum.ToNumber(live));
                return true;
            case long or uint or short or ushort or sbyte or byte or char or bool:
                hash = Hash(Convert.ToInt64(key, null));
                return true;
            case ulong number:
                hash = Hash(unchecked((long)number));
                return true;
            case double number:
                hash = Hash(number == 0 ? 0 : BitConverter.DoubleToInt64Bits(double.IsNaN(number) ? double.NaN : number));
                return true;
            case float number:
                hash = Hash(number == 0 ? 0 : BitConverter.SingleToInt32Bits(float.IsNaN(number) ? float.NaN : number));
                return true;
            case decimal number:
                // Divided so, 1.50 becomes the 1.5 that it is equal to.
                Span<int> parts = stackalloc int[4];
                decimal.GetBits(number == 0 ? 0 : number / 1.0000000000000000000000000000m, parts);
                hash = Hash(MemoryMarshal.AsBytes(parts));
                return true;
            case BigInteger number:
                hash = Hash(number.ToByteArray());
                return true;
            case DateTime time:
                hash = Hash(time.Ticks);
                return true;
            case DateTimeOffset time:
                hash = Hash(time.UtcTicks);
                return true;
            case TimeSpan span:
                hash = Hash(span.Ticks);
                return true;
            case DateOnly date:
                hash = Hash(date.DayNumber);
                return true;
            case TimeOnly time:
                hash = Hash(time.Ticks);
                return true;
            case Guid id:
                hash = Hash(MemoryMarshal.AsBytes(new ReadOnlySpan<Guid>(ref id)));
                return true;
            case Version version:
                Span<int> numbers = [version.Major, version.Minor, version.Build, version.Revision];
                hash = Hash(MemoryMarshal.AsBytes(numbers));
                return true;
            case IPAddress address:
                Span<byte> bytes = stackalloc byte[16];
                address.TryWriteBytes(bytes, out var length);
                hash = Hash(bytes[..length]) ^ (length == 16 ? Hash(address.ScopeId) : 0);
                return true;
            default:
                hash = 0;
                return false;
        }
    }

    private static int Hash(long number) => Hash(MemoryMarshal.AsBytes(new ReadOnlySpan<long>(ref number)));

    private static int Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = string.GetHashCode(MemoryMarshal.Cast<byte, char>(bytes));
        return bytes.Length % 2 == 0 ? hash : hash ^ Hash((long)bytes[^1]);
    }
}
