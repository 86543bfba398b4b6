using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Runtime.InteropServices;
using System.Security;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>The further types that PowerShell's own serializer restores.</content>
public sealed partial class ObjectEncoder
{
    /// <summary>Writes PowerShell's SwitchParameter. For models.</summary>
    public void WriteSwitch(bool isPresent)
    {
        _buffer.Tag(CborTags.Switch);
        Write(isPresent);
    }

    /// <summary>Writes a credential. For models.</summary>
    /// <param name="type">The name of its type, for the error.</param>
    /// <param name="userName">The user; null in an empty credential.</param>
    /// <param name="password">The password; null in an empty credential.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.SecretRefused"/>: <see cref="AllowSecrets"/> is false.</exception>
    public void WriteCredential(string type, string? userName, SecureString? password)
    {
        if (!AllowSecrets) throw CodecLimits.SecretRefused(type);
        _buffer.Tag(CborTags.Credential);
        _buffer.Head(CborMajor.Array, 2);
        Write(userName);
        Write(password);
    }

    /// <summary>Begins an object of a type that only the model knows. The caller then writes what is sent of it: one item.</summary>
    /// <param name="code">The number of the type, for <see cref="IObjectModel.Restore"/>.</param>
    public void BeginRestored(int code)
    {
        _buffer.Tag(CborTags.Restored);
        _buffer.Head(CborMajor.Array, 2);
        _buffer.Integer(code);
    }

    private bool TryWriteKnown(object value)
    {
        switch (value)
        {
            case DBNull:
                _buffer.Tag(CborTags.DBNull);
                _buffer.Byte(CborSimple.Null);
                return true;
            case IPAddress address:
                WriteAddress(address);
                return true;
            case XmlDocument document:
                return WriteText(CborTags.Xml, document.OuterXml);
            case MailAddress address:
                return WriteText(CborTags.MailAddress, address.ToString());
            case CultureInfo culture:
                return WriteText(CborTags.Culture, culture.Name);
            case X509Certificate2 certificate:
                return WriteBytes(CborTags.Certificate, certificate.RawData);
            case X500DistinguishedName name:
                return WriteBytes(CborTags.DistinguishedName, name.RawData);
            case SecureString secret:
                WriteSecret(secret);
                return true;
            default:
                return false;
        }
    }

    private bool WriteText(uint tag, string text)
    {
        _buffer.Tag(tag);
        _buffer.Text(text);
        return true;
    }

    private bool WriteBytes(uint tag, byte[] bytes)
    {
        _buffer.Tag(tag);
        _buffer.Bytes(bytes);
        return true;
    }

    private void WriteAddress(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        _buffer.Tag(length == 4 ? CborTags.IPv4 : CborTags.IPv6);
        if (length == 4 || address.ScopeId == 0)
        {
            _buffer.Bytes(bytes[..length]);
            return;
        }
        _buffer.Head(CborMajor.Array, 3);
        _buffer.Bytes(bytes);
        _buffer.Byte(CborSimple.Null);
        _buffer.Integer(address.ScopeId);
    }

    private unsafe void WriteSecret(SecureString secret)
    {
        if (!AllowSecrets) throw CodecLimits.SecretRefused(secret.GetType().ToString());
        _buffer.Tag(CborTags.SecureString);
        var text = Marshal.SecureStringToGlobalAllocUnicode(secret);
        try
        {
            _buffer.Text(new ReadOnlySpan<char>((char*)text, secret.Length));
        }
        finally
        {
            Marshal.ZeroFreeGlobalAllocUnicode(text);
        }
    }
}
