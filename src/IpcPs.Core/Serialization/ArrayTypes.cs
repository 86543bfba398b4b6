using System.Collections;
using System.Runtime.InteropServices;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Arrays of numbers as RFC 8746 has them: one byte string, tagged with the type, copied as they lie in memory. Little-endian, as every machine
/// that IpcPs runs on; both orders are read.</summary>
internal static class NumberArrays
{
    // The tag's low bits: f s e ll (RFC 8746, section 2.1): float, signed, little-endian, length.
    private const uint UInt16Little = 69;
    private const uint UInt32Little = 70;
    private const uint UInt64Little = 71;
    private const uint Int8 = 72;
    private const uint Int16Little = 77;
    private const uint Int32Little = 78;
    private const uint Int64Little = 79;
    private const uint SingleLittle = 85;
    private const uint DoubleLittle = 86;

    public static bool TryWrite(CborBuffer buffer, Array array) => array switch
    {
        // Compared by exact type: the runtime casts uint[] to int[] and enum arrays to their numbers.
        int[] numbers when array.GetType() == typeof(int[]) => Put<int>(buffer, Int32Little, numbers),
        double[] numbers => Put<double>(buffer, DoubleLittle, numbers),
        long[] numbers when array.GetType() == typeof(long[]) => Put<long>(buffer, Int64Little, numbers),
        float[] numbers => Put<float>(buffer, SingleLittle, numbers),
        uint[] numbers when array.GetType() == typeof(uint[]) => Put<uint>(buffer, UInt32Little, numbers),
        ulong[] numbers when array.GetType() == typeof(ulong[]) => Put<ulong>(buffer, UInt64Little, numbers),
        short[] numbers when array.GetType() == typeof(short[]) => Put<short>(buffer, Int16Little, numbers),
        ushort[] numbers when array.GetType() == typeof(ushort[]) => Put<ushort>(buffer, UInt16Little, numbers),
        sbyte[] numbers when array.GetType() == typeof(sbyte[]) => Put<sbyte>(buffer, Int8, numbers),
        _ => false,
    };

    public static bool TryWriteList(CborBuffer buffer, IList list)
    {
        switch (list)
        {
            case List<byte> bytes:
                buffer.Bytes(CollectionsMarshal.AsSpan(bytes));
                return true;
            case List<int> numbers:
                return Put<int>(buffer, Int32Little, CollectionsMarshal.AsSpan(numbers));
            case List<double> numbers:
                return Put<double>(buffer, DoubleLittle, CollectionsMarshal.AsSpan(numbers));
            case List<long> numbers:
                return Put<long>(buffer, Int64Little, CollectionsMarshal.AsSpan(numbers));
            case List<float> numbers:
                return Put<float>(buffer, SingleLittle, CollectionsMarshal.AsSpan(numbers));
            case List<uint> numbers:
                return Put<uint>(buffer, UInt32Little, CollectionsMarshal.AsSpan(numbers));
            case List<ulong> numbers:
                return Put<ulong>(buffer, UInt64Little, CollectionsMarshal.AsSpan(numbers));
            case List<short> numbers:
                return Put<short>(buffer, Int16Little, CollectionsMarshal.AsSpan(numbers));
            case List<ushort> numbers:
                return Put<ushort>(buffer, UInt16Little, CollectionsMarshal.AsSpan(numbers));
            case List<sbyte> numbers:
                return Put<sbyte>(buffer, Int8, CollectionsMarshal.AsSpan(numbers));
            default:
                return false;
        }
    }

    /// <summary>The array that a byte string with that tag stands for.</summary>
    public static Array Read(uint tag, ReadOnlySpan<byte> bytes) => tag switch
    {
        64 or 68 => bytes.ToArray(),
        65 or UInt16Little => Get<ushort>(tag, bytes),
        66 or UInt32Little => Get<uint>(tag, bytes),
        67 or UInt64Little => Get<ulong>(tag, bytes),
        Int8 => Get<sbyte>(tag, bytes),
        73 or Int16Little => Get<short>(tag, bytes),
        74 or Int32Little => Get<int>(tag, bytes),
        75 or Int64Little => Get<long>(tag, bytes),
        81 or SingleLittle => Get<float>(tag, bytes),
        82 or DoubleLittle => Get<double>(tag, bytes),
        _ => throw CborError.Invalid($"arrays of tag {tag} are not known"),
    };

    /// <summary>A list in place of an array of numbers; null where it is none.</summary>
    public static IList? ToList(Array array) => array switch
    {
        byte[] bytes when array.GetType() == typeof(byte[]) => new List<byte>(bytes),
        int[] numbers when array.GetType() == typeof(int[]) => new List<int>(numbers),
        double[] numbers => new List<double>(numbers),
        long[] numbers when array.GetType() == typeof(long[]) => new List<long>(numbers),
        float[] numbers => new List<float>(numbers),
        uint[] numbers when array.GetType() == typeof(uint[]) => new List<uint>(numbers),
        ulong[] numbers when array.GetType() == typeof(ulong[]) => new List<ulong>(numbers),
        short[] numbers when array.GetType() == typeof(short[]) => new List<short>(numbers),
        ushort[] numbers when array.GetType() == typeof(ushort[]) => new List<ushort>(numbers),
        sbyte[] numbers when array.GetType() == typeof(sbyte[]) => new List<sbyte>(numbers),
        _ => null,
    };

    private static bool Put<T>(CborBuffer buffer, uint tag, ReadOnlySpan<T> numbers)
        where T : unmanaged
    {
        buffer.Tag(tag);
        buffer.Bytes(MemoryMarshal.AsBytes(numbers));
        return true;
    }

    private static T[] Get<T>(uint tag, ReadOnlySpan<byte> bytes)
        where T : unmanaged
    {
        var size = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        if (bytes.Length % size != 0) throw CborError.Invalid($"an array of tag {tag} has {bytes.Length} bytes, no multiple of {size}");
        var numbers = new T[bytes.Length / size];
        var target = MemoryMarshal.AsBytes(numbers.AsSpan());
        bytes.CopyTo(target);
        const uint LittleEndian = 4;
        if (size > 1 && (tag & LittleEndian) == 0)
        {
            for (var i = 0; i < target.Length; i += size) target.Slice(i, size).Reverse();
        }
        return numbers;
    }
}
