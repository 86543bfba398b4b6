namespace IpcPs.Serialization.Cbor;

/// <summary>The major types of CBOR (RFC 8949, section 3.1), as the upper three bits of a head's first byte.</summary>
internal enum CborMajor
{
    Unsigned = 0 << 5,
    Negative = 1 << 5,
    Bytes = 2 << 5,
    Text = 3 << 5,
    Array = 4 << 5,
    Map = 5 << 5,
    Tag = 6 << 5,
    Simple = 7 << 5,
}

/// <summary>First bytes of items of major type 7.</summary>
internal static class CborSimple
{
    public const byte False = 0xF4;
    public const byte True = 0xF5;
    public const byte Null = 0xF6;
    public const byte Undefined = 0xF7;
    public const byte Half = 0xF9;
    public const byte Single = 0xFA;
    public const byte Double = 0xFB;
    /// <summary>Ends an item of indefinite length.</summary>
    public const byte Break = 0xFF;
}

/// <summary>The CBOR tags of format Object. docs/wire-format.md describes each. The tags that IANA has registered come first.</summary>
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
    /// <summary>RFC 9164: IP addresses, as byte strings; with a scope, [address, null, scope].</summary>
    public const uint IPv4 = 52;
    public const uint IPv6 = 54;
    /// <summary>RFC 8746: arrays of numbers, each in one byte string.</summary>
    public const uint FirstNumberArray = 64;
    public const uint LastNumberArray = 87;
    public const uint Set = 258;
    /// <summary>A byte string: UTF-8, in which an unpaired surrogate is encoded as if it were a character.</summary>
    public const uint Wtf8 = 273;
    /// <summary>RFC 9581: a duration.</summary>
    public const uint Duration = 1002;
    /// <summary>RFC 8943: a date without a time.</summary>
    public const uint FullDate = 1004;

    /// <summary>The first tag of IpcPs: 0xC950, "IP" with the high bit set.</summary>
    public const uint First = 0xC950;

    /// <summary>{name: value, …}: a custom object.</summary>
    public const uint Bag = First;
    /// <summary>[[type names], {…}]: a custom object that has type names.</summary>
    public const uint NamedBag = First + 1;
    /// <summary>[[type names], text or null, {…}]: the copy of an object of another type.</summary>
    public const uint Object = First + 2;
    /// <summary>[value, [type names], {…}]: a value with properties that were added to it.</summary>
    public const uint Extended = First + 3;
    /// <summary>{…}: a dictionary that keeps its order.</summary>
    public const uint OrderedMap = First + 4;
    /// <summary>An array of any kind: a List of its items.</summary>
    public const uint List = First + 5;
    /// <summary>[…]: an ArrayList.</summary>
    public const uint ArrayList = First + 6;
    /// <summary>[element code, […]]: an array of one of the element types in <see cref="ArrayType"/>.</summary>
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
    /// <summary>[major, minor, build, revision], the last one or two optional.</summary>
    public const uint Version = First + 13;
    /// <summary>The text of a script block. It arrives as that text, never as code.</summary>
    public const uint ScriptText = First + 14;
    /// <summary>[reason, text]: stands for a value that was left out.</summary>
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

    /// <summary>A text that is a secret.</summary>
    public const uint SecureString = First + 23;
    /// <summary>[user, secret text]. Both are null in an empty one.</summary>
    public const uint Credential = First + 24;
    /// <summary>A Boolean: PowerShell's SwitchParameter.</summary>
    public const uint Switch = First + 25;
    /// <summary>Null: a DBNull.</summary>
    public const uint DBNull = First + 26;
    /// <summary>The text of an XML document.</summary>
    public const uint Xml = First + 27;
    /// <summary>The text of a mail address.</summary>
    public const uint MailAddress = First + 28;
    /// <summary>The name of a culture.</summary>
    public const uint Culture = First + 29;
    /// <summary>A certificate in DER.</summary>
    public const uint Certificate = First + 30;
    /// <summary>An X.500 distinguished name in DER.</summary>
    public const uint DistinguishedName = First + 31;
    /// <summary>[code, value]: a type of the model that the code stands for.</summary>
    public const uint Restored = First + 32;
}

/// <summary>The exceptions for a payload that is not what docs/wire-format.md describes.</summary>
internal static class CborError
{
    public static IpcException Invalid(string why, Exception? inner = null) =>
        new(IpcErrors.InvalidData, $"The message is marked as format Object, but it is malformed: {why}.", inner: inner)
        {
            Advice = IpcAdvice.ReceiveBytes,
        };

    public static IpcException Truncated() => Invalid("unexpected end of data");
}
