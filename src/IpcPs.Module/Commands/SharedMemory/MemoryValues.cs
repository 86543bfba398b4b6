using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Runtime.CompilerServices;
using IpcPs.SharedMemory;

namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>One type of value in shared memory: how one is read and written, and many at once.</summary>
internal abstract class MemoryValues
{
    /// <summary>The codec of a type that has a fixed size; text and objects have none.</summary>
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

    /// <summary>The type that a value has by itself; null for one that is an object to us.</summary>
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

    /// <summary>Bytes of one.</summary>
    public abstract int Size { get; }

    /// <summary>Reads one.</summary>
    public abstract object ReadOne(SharedMemorySegment memory, long offset);

    /// <summary>Reads many, into a new array.</summary>
    public abstract Array ReadMany(SharedMemorySegment memory, long offset, int count);

    /// <summary>Reads as many as an array has.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: its elements are of another type.</exception>
    public abstract void ReadInto(SharedMemorySegment memory, long offset, Array target);

    /// <summary>Writes one value, or all of an array or list.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="IpcException"><see cref="IpcErrors.InvalidArgument"/>: a value that does not convert.</exception>
    public abstract long Write(SharedMemorySegment memory, long offset, object? value);

    /// <summary>A value as the wanted type, by PowerShell's conversion.</summary>
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
            // Said below, in our words.
        }
        throw IpcException.Argument($"'{plain ?? "null"}' is no {typeof(T).Name}.");
    }

    private class Of<T> : MemoryValues
        where T : unmanaged
    {
        public static readonly Of<T> Instance = new();

        public override int Size => Unsafe.SizeOf<T>();

        public override object ReadOne(SharedMemorySegment memory, long offset) => memory.Read<T>(offset);

        public override Array ReadMany(SharedMemorySegment memory, long offset, int count)
        {
            RequireRoom(memory, offset, count);
            var values = GC.AllocateUninitializedArray<T>(count);
            memory.Read(offset, values.AsSpan());
            return values;
        }

        public override void ReadInto(SharedMemorySegment memory, long offset, Array target)
        {
            if (target is not T[] values) throw IpcException.Argument($"-Into takes a {typeof(T).Name}[] here, and this is a {target.GetType().Name}.");
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
                    // Converted before anything is written: a wrong one leaves the memory as it was.
                    var converted = (from object? item in items select Convert<T>(item)).ToArray();
                    memory.Write<T>(offset, converted);
                    return (long)converted.Length * Size;
                default:
                    memory.Write(offset, Convert<T>(value));
                    return Size;
            }
        }

        // Before an array is made for bytes that are not there.
        protected void RequireRoom(SharedMemorySegment memory, long offset, int count)
        {
            if (count < 0) throw IpcException.Argument($"A count of {count} is none.", memory.Address.Text);
            if (count > 0) memory.Read<byte>(checked(offset + (long)count * Size - 1));
        }
    }

    // A byte that is neither 0 nor 1 would make a bool that is neither true nor false.
    private sealed class Booleans : Of<byte>
    {
        public static new readonly Booleans Instance = new();

        public override object ReadOne(SharedMemorySegment memory, long offset) => memory.Read<byte>(offset) != 0;

        public override Array ReadMany(SharedMemorySegment memory, long offset, int count) => Array.ConvertAll((byte[])base.ReadMany(memory, offset, count), static b => b != 0);

        public override void ReadInto(SharedMemorySegment memory, long offset, Array target)
        {
            if (target is not bool[] values) throw IpcException.Argument($"-Into takes a Boolean[] here, and this is a {target.GetType().Name}.");
            ReadMany(memory, offset, values.Length).CopyTo(values, 0);
        }

        public override long Write(SharedMemorySegment memory, long offset, object? value)
        {
            var bytes = value is IEnumerable items and not string ? (from object? item in items select ToByte(item)).ToArray() : [ToByte(value)];
            memory.Write<byte>(offset, bytes);
            return bytes.Length;
        }

        private static byte ToByte(object? value) => Convert<bool>(value) ? (byte)1 : (byte)0;
    }
}
