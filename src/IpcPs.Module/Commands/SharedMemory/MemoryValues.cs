using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>The types of value in shared memory. Numbers have the machine's byte order, as in a C program.</summary>
public enum IpcValueType
{
    /// <summary>An unsigned 8-bit number.</summary>
    Byte,
    /// <summary>A signed 8-bit number.</summary>
    SByte,
    /// <summary>A signed 16-bit number.</summary>
    Int16,
    /// <summary>An unsigned 16-bit number.</summary>
    UInt16,
    /// <summary>A signed 32-bit number.</summary>
    Int32,
    /// <summary>An unsigned 32-bit number.</summary>
    UInt32,
    /// <summary>A signed 64-bit number.</summary>
    Int64,
    /// <summary>An unsigned 64-bit number.</summary>
    UInt64,
    /// <summary>A 32-bit floating-point number, C's float.</summary>
    Single,
    /// <summary>A 64-bit floating-point number, C's double.</summary>
    Double,
    /// <summary>A decimal number, in .NET's own 16 bytes.</summary>
    Decimal,
    /// <summary>A UTF-16 code unit, 16 bits.</summary>
    Char,
    /// <summary>One byte: 0 is false, any other value is true.</summary>
    Boolean,
    /// <summary>Text as UTF-8.</summary>
    String,
    /// <summary>A PowerShell value, as Send-IpcMessage sends it, with its length before it.</summary>
    Object,
}

/// <summary>Reads and writes the values of one type of a fixed size in shared memory.</summary>
internal abstract class MemoryValues
{
    /// <summary>The reader and writer of a type that has a fixed size. Text and objects have none.</summary>
    public static MemoryValues For(IpcValueType type) => type switch
    {
        IpcValueType.Byte => Of<byte>.Instance,
        IpcValueType.SByte => Of<sbyte>.Instance,
        IpcValueType.Int16 => Of<short>.Instance,
        IpcValueType.UInt16 => Of<ushort>.Instance,
        IpcValueType.Int32 => Of<int>.Instance,
        IpcValueType.UInt32 => Of<uint>.Instance,
        IpcValueType.Int64 => Of<long>.Instance,
        IpcValueType.UInt64 => Of<ulong>.Instance,
        IpcValueType.Single => Of<float>.Instance,
        IpcValueType.Double => Of<double>.Instance,
        IpcValueType.Decimal => Of<decimal>.Instance,
        IpcValueType.Char => Of<char>.Instance,
        IpcValueType.Boolean => Booleans.Instance,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The type of a .NET value, or of an array's elements; null for any other object.</summary>
    public static IpcValueType? TypeOf(object? value)
    {
        var type = value?.GetType();
        if (type is null || type.IsEnum) return null;
        if (type.IsArray && type.GetArrayRank() == 1) type = type.GetElementType()!;
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Byte => IpcValueType.Byte,
            TypeCode.SByte => IpcValueType.SByte,
            TypeCode.Int16 => IpcValueType.Int16,
            TypeCode.UInt16 => IpcValueType.UInt16,
            TypeCode.Int32 => IpcValueType.Int32,
            TypeCode.UInt32 => IpcValueType.UInt32,
            TypeCode.Int64 => IpcValueType.Int64,
            TypeCode.UInt64 => IpcValueType.UInt64,
            TypeCode.Single => IpcValueType.Single,
            TypeCode.Double => IpcValueType.Double,
            TypeCode.Decimal => IpcValueType.Decimal,
            TypeCode.Char => IpcValueType.Char,
            TypeCode.Boolean => IpcValueType.Boolean,
            TypeCode.String when value is string => IpcValueType.String,
            _ => null,
        };
    }

    /// <summary>The size of one value, in bytes.</summary>
    public abstract int Size { get; }

    /// <summary>Reads one value.</summary>
    public abstract object ReadOne(SharedMemorySegment memory, long offset);

    /// <summary>Reads several values into a new array.</summary>
    public abstract Array ReadMany(SharedMemorySegment memory, long offset, int count);

    /// <summary>Fills an array.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: its elements are of another type.</exception>
    public abstract void ReadInto(SharedMemorySegment memory, long offset, Array target);

    /// <summary>Writes one value, or all of an array or list.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: a value that cannot be converted.</exception>
    public abstract long Write(SharedMemorySegment memory, long offset, object? value);

    /// <summary>Converts a value as PowerShell does.</summary>
    private static T Convert<T>(object? value)
    {
        var plain = value is PSObject wrapped ? wrapped.BaseObject : value;
        if (plain is T same) return same;
        try
        {
            if (plain is not null) return (T)LanguagePrimitives.ConvertTo(plain, typeof(T), CultureInfo.InvariantCulture);
        }
        catch (PSInvalidCastException)
        {
            // Reported below, with an error id.
        }
        throw IpcException.Argument($"'{plain ?? "null"}' is not a {typeof(T).Name}.");
    }

    private class Of<T> : MemoryValues
        where T : unmanaged
    {
        public static readonly Of<T> Instance = new();

        public override int Size => Unsafe.SizeOf<T>();

        public override object ReadOne(SharedMemorySegment memory, long offset) => memory.Read<T>(offset);

        public override Array ReadMany(SharedMemorySegment memory, long offset, int count)
        {
            RequireWithin(memory, offset, count);
            var values = GC.AllocateUninitializedArray<T>(count);
            memory.Read(offset, values.AsSpan());
            return values;
        }

        public override void ReadInto(SharedMemorySegment memory, long offset, Array target)
        {
            if (target is not T[] values)
                throw IpcException.Argument($"-Into takes a {typeof(T).Name}[] here, and this is a {target.GetType().Name}.");
            memory.Read(offset, values.AsSpan());
        }

        public override long Write(SharedMemorySegment memory, long offset, object? value)
        {
            switch (value)
            {
                case T[] values:
                    memory.Write<T>(offset, values);
                    return (long)values.Length * Size;
                case IEnumerable items and not string:
                    // Converted before anything is written: a wrong item leaves the memory unchanged.
                    var converted = (from object? item in items select Convert<T>(item)).ToArray();
                    memory.Write<T>(offset, converted);
                    return (long)converted.Length * Size;
                default:
                    memory.Write(offset, Convert<T>(value));
                    return Size;
            }
        }

        // Called before an array is allocated for bytes that do not exist.
        protected void RequireWithin(SharedMemorySegment memory, long offset, int count)
        {
            if (count < 0) throw IpcException.Argument($"A count is 0 or more, and this one is {count}.", memory.Address.Text);
            if (count > 0) memory.Read<byte>(checked(offset + (long)count * Size - 1));
        }
    }

    // A byte that is neither 0 nor 1 would make a bool that is neither true nor false.
    private sealed class Booleans : Of<byte>
    {
        public static new readonly Booleans Instance = new();

        public override object ReadOne(SharedMemorySegment memory, long offset) => memory.Read<byte>(offset) != 0;

        public override Array ReadMany(SharedMemorySegment memory, long offset, int count) =>
            Array.ConvertAll((byte[])base.ReadMany(memory, offset, count), static b => b != 0);

        public override void ReadInto(SharedMemorySegment memory, long offset, Array target)
        {
            if (target is not bool[] values)
                throw IpcException.Argument($"-Into takes a Boolean[] here, and this is a {target.GetType().Name}.");
            ReadMany(memory, offset, values.Length).CopyTo(values, 0);
        }

        public override long Write(SharedMemorySegment memory, long offset, object? value)
        {
            byte[] bytes = value is IEnumerable items and not string
                ? [.. from object? item in items select ToByte(item)]
                : [ToByte(value)];
            memory.Write<byte>(offset, bytes);
            return bytes.Length;
        }

        private static byte ToByte(object? value) => Convert<bool>(value) ? (byte)1 : (byte)0;
    }
}
