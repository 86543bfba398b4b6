namespace IpcPs.Serialization.Cbor;

/// <summary>The CBOR tags of format Object; docs/wire-format.md describes each. Those that IANA has registered come first.</summary>
internal static class CborTags
{
    /// <summary>RFC 3339 text: a moment in time.</summary>
    public const uint DateTimeText = 0;
    /// <summary>Seconds since 1970. Read only.</summary>
    public const uint UnixTime = 1;
    public const uint PositiveBignum = 2;
    public const uint NegativeBignum = 3;
    public const uint DecimalFraction = 4;
    public const uint Uri = 32;
    public const uint Uuid = 37;
    /// <summary>RFC 8746: arrays of numbers as one byte string, here all little-endian.</summary>
    public const uint FirstTypedArray = 64;
    public const uint LastTypedArray = 87;
    public const uint Set = 258;
    /// <summary>A byte string with UTF-8 in which a lone surrogate stands for itself.</summary>
    public const uint Wtf8 = 273;
    /// <summary>RFC 9581: a duration.</summary>
    public const uint Duration = 1002;
    /// <summary>RFC 8943: a date without a time.</summary>
    public const uint FullDate = 1004;
    /// <summary>Says only that CBOR follows. Read only.</summary>
    public const uint SelfDescribed = 55799;

    /// <summary>The first of IpcPs's own: 0xC950, "IP" with the high bit set.</summary>
    public const uint First = 0xC950;

    /// <summary>{name: value, …}: a custom object.</summary>
    public const uint Bag = First;
    /// <summary>[[type names], {…}]: a custom object with type names of its own.</summary>
    public const uint NamedBag = First + 1;
    /// <summary>[[type names], text or null, {…}]: what is left of an object of another type.</summary>
    public const uint Object = First + 2;
    /// <summary>[value, [type names], {…}]: a value with properties added to it.</summary>
    public const uint Decorated = First + 3;
    /// <summary>{…}: a dictionary that keeps its order.</summary>
    public const uint OrderedMap = First + 4;
    /// <summary>An array of any kind: a List of it.</summary>
    public const uint List = First + 5;
    /// <summary>[…]: an ArrayList.</summary>
    public const uint ArrayList = First + 6;
    /// <summary>[element code, […]]: an array of one type that <see cref="ElementTypes"/> has.</summary>
    public const uint TypedArray = First + 7;
    /// <summary>[type name, name, number].</summary>
    public const uint Enum = First + 8;
    /// <summary>A UTF-16 unit as a number.</summary>
    public const uint Char = First + 9;
    /// <summary>As tag 0, with offset: a DateTime of kind Local.</summary>
    public const uint LocalTime = First + 10;
    /// <summary>As tag 0, without offset: a DateTime of kind Unspecified.</summary>
    public const uint UnspecifiedTime = First + 11;
    /// <summary>hh:mm:ss.fffffff.</summary>
    public const uint TimeOfDay = First + 12;
    /// <summary>[major, minor, build, revision], the last two optional.</summary>
    public const uint Version = First + 13;
    /// <summary>Text of a script block, which arrives as that text.</summary>
    public const uint ScriptText = First + 14;
    /// <summary>[reason, text]: something that was left out.</summary>
    public const uint Omitted = First + 15;

    public const uint SByte = First + 16;
    public const uint Byte = First + 17;
    public const uint Int16 = First + 18;
    public const uint UInt16 = First + 19;
    public const uint UInt32 = First + 20;
    /// <summary>Only where the number alone would be read as an Int32.</summary>
    public const uint Int64 = First + 21;
    /// <summary>Only where the number alone would be read as an Int32 or Int64.</summary>
    public const uint UInt64 = First + 22;
}
