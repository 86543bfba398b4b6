using System.Collections;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>An element type that arrays and lists keep when they are sent. The types are a fixed list: none is ever created from a
/// name.</summary>
/// <remarks>Numbers are one byte string with a tag for their type, as in RFC 8746: a copy of the memory. IpcPs writes them little-endian,
/// because every machine that it runs on is little-endian, and reads both byte orders. Other types are a tagged array of items.</remarks>
internal abstract class ArrayType(Type element, Type arrayOfElement, uint tag)
{
    private const uint LittleEndian = 4;

    private static readonly ArrayType[] ByCode =
    [
        new Items<object?>(0),
        new Items<string?>(1),
        new Items<bool>(2),
        new Items<char>(3),
        new Items<decimal>(4),
        new Items<BigInteger>(5),
        new Items<DateTime>(6),
        new Items<DateTimeOffset>(7),
        new Items<TimeSpan>(8),
        new Items<Guid>(9),
        new Items<Uri?>(10),
        new Items<Version?>(11),
    ];

    // The low five bits of a tag are f s e ll: float, signed, little-endian, length (RFC 8746, section 2.1).
    private static readonly ArrayType[] OfNumbers =
    [
        new Numbers<byte>(68),
        new Numbers<ushort>(69),
        new Numbers<uint>(70),
        new Numbers<ulong>(71),
        new Numbers<sbyte>(72),
        new Numbers<short>(77),
        new Numbers<int>(78),
        new Numbers<long>(79),
        new Numbers<float>(85),
        new Numbers<double>(86),
    ];

    private static readonly Dictionary<Type, ArrayType> ByType = IndexByType();

    private static readonly ArrayType?[] ByTag = IndexByTag();

    private Type Element { get; } = element;
    private Type ArrayOfElement { get; } = arrayOfElement;
    private uint Tag { get; } = tag;

    /// <summary>Finds the entry for an array or a list.</summary>
    /// <param name="type">The exact type of an array, or the type of the items of a list.</param>
    public static ArrayType? Find(Type type) => ByType.GetValueOrDefault(type);

    /// <summary>Creates an array from its items and the code of their type.</summary>
    public static Array Create(long code, List<object?> items) => code >= 0 && code < ByCode.Length
        ? ByCode[code].ToArray(items)
        : throw CborError.Invalid($"arrays of element code {code} are not supported");

    /// <summary>Creates an array of numbers from a byte string and its tag, which is one of those that RFC 8746 has.</summary>
    public static Array Create(uint tag, ReadOnlySpan<byte> bytes) =>
        (ByTag[tag - CborTags.FirstNumberArray] ?? throw CborError.Invalid($"arrays of tag {tag} are not supported")).ToArray(bytes, tag);

    /// <summary>Writes an array or list of numbers as a whole. Of any other one, writes what comes before the array of its items.</summary>
    /// <returns>False if the array of the items must follow.</returns>
    public abstract bool TryWrite(CborBuffer buffer, IList list);

    public abstract IList ToList(Array array);

    protected virtual Array ToArray(List<object?> items) => throw new NotSupportedException();

    protected virtual Array ToArray(ReadOnlySpan<byte> bytes, uint written) => throw new NotSupportedException();

    // Loops, not LINQ over pairs: the first array of a session would wait until that is compiled.
    private static Dictionary<Type, ArrayType> IndexByType()
    {
        var index = new Dictionary<Type, ArrayType>();
        foreach (var type in (ArrayType[])[.. ByCode, .. OfNumbers])
        {
            index.Add(type.Element, type);
            index.Add(type.ArrayOfElement, type);
        }
        return index;
    }

    private static ArrayType?[] IndexByTag()
    {
        var index = new ArrayType?[CborTags.LastNumberArray - CborTags.FirstNumberArray + 1];
        foreach (var numbers in OfNumbers)
        {
            index[numbers.Tag - CborTags.FirstNumberArray] = numbers;
            index[(numbers.Tag & ~LittleEndian) - CborTags.FirstNumberArray] = numbers;
        }
        return index;
    }

    private sealed class Items<T>(int code) : ArrayType(typeof(T), typeof(T[]), tag: 0)
    {
        public override bool TryWrite(CborBuffer buffer, IList list)
        {
            // An array without a tag is one of objects.
            if (code == 0) return false;
            buffer.Tag(CborTags.TypedArray);
            buffer.Head(CborMajor.Array, 2);
            buffer.Integer(code);
            return false;
        }

        public override IList ToList(Array array) => new List<T>((T[])array);

        protected override Array ToArray(List<object?> items)
        {
            var array = new T[items.Count];
            for (var i = 0; i < array.Length; i++)
            {
                if (items[i] is T item) array[i] = item;
                else if (items[i] is not null || default(T) is not null) throw CborError.Invalid($"an item is not a {typeof(T)}");
            }
            return array;
        }
    }

    private sealed class Numbers<T>(uint tag) : ArrayType(typeof(T), typeof(T[]), tag)
        where T : unmanaged
    {
        public override bool TryWrite(CborBuffer buffer, IList list)
        {
            // A byte string without a tag is one of bytes.
            if (typeof(T) != typeof(byte)) buffer.Tag(Tag);
            buffer.Bytes(MemoryMarshal.AsBytes(list is T[] array ? array : CollectionsMarshal.AsSpan((List<T>)list)));
            return true;
        }

        public override IList ToList(Array array) => new List<T>((T[])array);

        protected override Array ToArray(ReadOnlySpan<byte> bytes, uint written)
        {
            var size = Unsafe.SizeOf<T>();
            if (bytes.Length % size != 0) throw CborError.Invalid($"a {typeof(T)}[] has {bytes.Length} bytes, not a multiple of {size}");
            var numbers = new T[bytes.Length / size];
            var target = MemoryMarshal.AsBytes(numbers.AsSpan());
            bytes.CopyTo(target);
            if (size > 1 && (written & LittleEndian) == 0)
            {
                for (var i = 0; i < target.Length; i += size) target.Slice(i, size).Reverse();
            }
            return numbers;
        }
    }
}
