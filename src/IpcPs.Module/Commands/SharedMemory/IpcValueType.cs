namespace IpcPs.Module.Commands.SharedMemory;

/// <summary>What bytes in shared memory are read and written as. Numbers are in the machine's byte order, as a C program has them.</summary>
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
    /// <summary>A decimal number in .NET's own 16 bytes.</summary>
    Decimal,
    /// <summary>A UTF-16 code unit, 16 bits.</summary>
    Char,
    /// <summary>One byte: 0 is false, anything else true.</summary>
    Boolean,
    /// <summary>Text as UTF-8.</summary>
    String,
    /// <summary>A PowerShell value, as Send-IpcMessage sends it, behind its length.</summary>
    Object,
}
