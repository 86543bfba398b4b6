using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Xml;
using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <content>The further types that PowerShell's own serializer restores. The list is closed, and each has a tag of its own.</content>
public sealed partial class ObjectDecoder
{
    /// <summary>The memory of an XML document for each byte of its text: an empty element has four bytes.</summary>
    private const int XmlCost = 60;
    private const int XmlDocumentCost = 8192;
    private const int CertificateCost = 4096;

    /// <summary>More attributes of one element would take time that grows with the square of their number. Deeper elements would overflow
    /// the stack of a program that reads them.</summary>
    private const int MaxXml = 1000;

    private object? ReadKnown(ref CborCursor cursor, uint tag, int depth)
    {
        switch (tag)
        {
            case CborTags.IPv4 or CborTags.IPv6:
                return ReadAddress(ref cursor, tag == CborTags.IPv4 ? 4 : 16);
            case CborTags.Xml:
                return ReadXml(ReadString(ref cursor));
            case CborTags.MailAddress:
                return MailAddress.TryCreate(ReadString(ref cursor), out var mail)
                    ? mail : throw CborError.Invalid("a mail address is not valid");
            case CborTags.Culture:
                return ReadCulture(ReadString(ref cursor));
            case CborTags.Certificate or CborTags.DistinguishedName:
                return ReadCertificate(ReadBytes(ref cursor).ToArray(), tag);
            case CborTags.SecureString:
                return ReadSecret(ref cursor);
            case CborTags.Credential:
                return ReadCredential(ref cursor);
            case CborTags.Switch:
                return _model.CreateSwitch(Read(ref cursor, Descend(depth)) is bool isPresent
                    ? isPresent : throw CborError.Invalid("a switch is not a Boolean"));
            case CborTags.DBNull:
                return Read(ref cursor, Descend(depth)) is null ? DBNull.Value : throw CborError.Invalid("a DBNull has a value");
            default:
                RequireLength(ref cursor, 2);
                var code = (int)RequireRange(ReadInteger(ref cursor), 0, ushort.MaxValue);
                Charge(BagCost);
                return _model.Restore(code, Read(ref cursor, Descend(depth)));
        }
    }

    private IPAddress ReadAddress(ref CborCursor cursor, int length)
    {
        var hasScope = (CborMajor)(cursor.Peek() & 0xE0) == CborMajor.Array;
        if (hasScope) RequireLength(ref cursor, 3);
        var bytes = ReadBytes(ref cursor);
        if (bytes.Length != length || (hasScope && length == 4)) throw CborError.Invalid($"an IP address has {bytes.Length} bytes");
        if (!hasScope) return new IPAddress(bytes);
        if (cursor.Peek() != CborSimple.Null) throw CborError.Invalid("an IP address has the length of a prefix");
        cursor.Skip();
        return new IPAddress(bytes, RequireRange(ReadInteger(ref cursor), 0, uint.MaxValue));
    }

    // The document has no DTD, and nothing outside of the text is read.
    private XmlDocument ReadXml(string text)
    {
        Charge(XmlDocumentCost + ((long)text.Length * XmlCost));
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        // A new document has no root yet. That is not XML, but it is a document.
        if (text.Length == 0) return document;
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore, XmlResolver = null, CheckCharacters = false };
        try
        {
            using (var check = XmlReader.Create(new StringReader(text), settings))
            {
                while (check.Read())
                {
                    Step();
                    if (check.AttributeCount > MaxXml || check.Depth > MaxXml)
                        throw CborError.Invalid($"an XML document has more than {MaxXml} attributes in one element, or levels");
                }
            }
            using var reader = XmlReader.Create(new StringReader(text), settings);
            document.Load(reader);
            return document;
        }
        catch (Exception e) when (e is XmlException or ArgumentException or InvalidOperationException)
        {
            throw CborError.Invalid("an XML document is not valid", e);
        }
    }

    private static object ReadCulture(string name)
    {
        try
        {
            return new CultureInfo(name);
        }
        catch (CultureNotFoundException)
        {
            // This machine does not know it: a process without ICU knows only the invariant culture.
            return name;
        }
    }

    private object ReadCertificate(byte[] der, uint tag)
    {
        Charge(CertificateCost);
        try
        {
            if (tag == CborTags.DistinguishedName) return new X500DistinguishedName(der);
            // Not a PKCS #12: that would be decrypted, with as many rounds as the peer likes.
            if (X509Certificate2.GetCertContentType(der) == X509ContentType.Cert) return new X509Certificate2(der);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw CborError.Invalid("a certificate is not valid", e);
        }
        throw CborError.Invalid("a certificate is not valid");
    }

    private unsafe SecureString ReadSecret(ref CborCursor cursor)
    {
        var text = ReadString(ref cursor);
        const int Longest = 65536;
        if (text.Length > Longest) throw CborError.Invalid($"a secret has more than {Longest} characters");
        fixed (char* first = text)
        {
            var secret = new SecureString(first, text.Length);
            secret.MakeReadOnly();
            return secret;
        }
    }

    private object ReadCredential(ref CborCursor cursor)
    {
        RequireLength(ref cursor, 2);
        var user = ReadStringOrNull(ref cursor);
        if (cursor.Peek() == CborSimple.Null)
        {
            cursor.Skip();
            return _model.CreateCredential(user, null);
        }
        Require(cursor.ReadHead(out var tag), CborMajor.Tag);
        if (tag != CborTags.SecureString) throw CborError.Invalid("the password of a credential is not a secret");
        return _model.CreateCredential(user, ReadSecret(ref cursor));
    }
}
