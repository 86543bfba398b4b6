using System.Numerics;

namespace IpcPs.Serialization;

/// <summary>The element types, besides numbers, that a typed array keeps: a fixed list, so that no type is ever made from a name.</summary>
internal static class ElementTypes
{
    private static readonly Element[] All =
    [
        new Element<object?>(0),
        new Element<string?>(1),
        new Element<bool>(2),
        new Element<char>(3),
        new Element<decimal>(4),
        new Element<BigInteger>(5),
        new Element<DateTime>(6),
        new Element<DateTimeOffset>(7),
        new Element<TimeSpan>(8),
        new Element<Guid>(9),
        new Element<Uri?>(10),
        new Element<Version?>(11),
    ];

    private static readonly Dictionary<Type, Element> ByType = All.ToDictionary(static element => element.Type);

    /// <summary>The entry of an element type; null where it has none.</summary>
    public static Element? Find(Type type) => ByType.GetValueOrDefault(type);

    /// <summary>The entry with that code; null where there is none.</summary>
    public static Element? Find(ulong code) => code < (ulong)All.Length ? All[code] : null;

    internal abstract class Element(int code, Type type)
    {
        public int Code { get; } = code;
        public Type Type { get; } = type;

        /// <summary>An array of these; null where one of the values is of another type.</summary>
        public abstract Array? ToArray(List<object?> values);

        /// <summary>A list with what an array of these has.</summary>
        public abstract System.Collections.IList ToList(Array array);
    }

    private sealed class Element<T>(int code) : Element(code, typeof(T))
    {
        public override Array? ToArray(List<object?> values)
        {
            var array = new T[values.Count];
            for (var i = 0; i < array.Length; i++)
            {
                if (values[i] is T value) array[i] = value;
                else if (values[i] is not null || default(T) is not null) return null;
            }
            return array;
        }

        public override System.Collections.IList ToList(Array array) => new List<T>((T[])array);
    }
}
