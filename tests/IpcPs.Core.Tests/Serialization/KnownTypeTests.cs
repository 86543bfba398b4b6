using System.Net;
using System.Runtime.InteropServices;
using System.Security;
using IpcPs.Serialization;
using IpcPs.Serialization.Cbor;
using Xunit;

namespace IpcPs.Tests.Serialization;

/// <summary>The types that PowerShell's own serializer restores, as a C# program sends and receives them. <see cref="Values"/> has those
/// that are no secrets.</summary>
public class KnownTypeTests
{
    [Theory]
    [InlineData("")]
    [InlineData("pässword \0 \ud800")]
    public void A_secret_is_sent_only_if_the_sender_allows_it(string text)
    {
        var secret = new NetworkCredential("", text).SecurePassword;
        var allowed = new ObjectEncoder { AllowSecrets = true };
        var copy = Assert.IsType<SecureString>(new ObjectDecoder().Decode(allowed.Encode(new object[] { secret }))
            is object?[] items ? items[0] : null);
        var revealed = Marshal.SecureStringToBSTR(copy);
        Assert.Equal(text, Marshal.PtrToStringBSTR(revealed));
        Marshal.ZeroFreeBSTR(revealed);
        Assert.True(copy.IsReadOnly());

        foreach (var holder in new object[] { secret, new Dictionary<string, object> { ["a"] = secret }, new { Secret = secret } })
        {
            var encoder = new ObjectEncoder();
            var error = Assert.Throws<IpcException>(() => encoder.Encode(holder));
            Assert.Equal(IpcErrors.SecretRefused, error.Id);
            Assert.Equal(IpcErrorCategory.InvalidArgument, error.Id.Category);
            Assert.Equal(
                "The value contains a secret (System.Security.SecureString), and nothing encrypts what is sent here.", error.Message);
            Assert.Equal("Pass it to a job, which gets it through a pipe that only it inherits.", error.RecommendedAction);
            Assert.Equal(7, new ObjectDecoder().Decode(encoder.Encode(7)));
        }
    }

    [Fact]
    public void Types_of_PowerShell_arrive_as_their_nearest_in_NET()
    {
        Assert.Equal(true, Decode("d9c969f5"));
        var credential = Assert.IsType<NetworkCredential>(Decode("d9c968826175d9c9676170"));
        Assert.Equal(("u", "p"), (credential.UserName, credential.Password));
        Assert.Equal("", Assert.IsType<NetworkCredential>(Decode("d9c96882f6f6")).Password);
        Assert.Equal("x", Decode("d9c97082016178"));
        // As in a process without ICU, which knows no culture.
        Assert.Equal("de-DE", Decode("d9c96d6564652d4445"));
    }

    [Theory]
    [InlineData("d83443010203")]
    [InlineData("d8368244010203040506")]
    [InlineData("d8348344010203 04f600")]
    [InlineData("d8368350000000000000000000000000000000000001")]
    [InlineData("d83683500000000000000000000000000000000000 20")]
    [InlineData("d9c96741ff")]
    [InlineData("d9c9688161 75")]
    [InlineData("d9c96882617561 70")]
    [InlineData("d9c96900")]
    [InlineData("d9c96a00")]
    [InlineData("d9c96b613c")]
    [InlineData("d9c96b00")]
    [InlineData("d9c96c6161")]
    [InlineData("d9c96e4130")]
    [InlineData("d9c96e40")]
    [InlineData("d9c9708120")]
    [InlineData("d9c970822000")]
    public void Malformed_ones_are_refused(string hex) =>
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => Decode(hex)).Id);

    [Fact]
    public void Xml_reads_nothing_outside_of_itself_and_has_limits()
    {
        foreach (var (text, expected) in new (string, bool)[]
        {
            ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a/>", true),
            ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", false),
            ("<a " + string.Join(' ', Enumerable.Range(0, 1000).Select(static i => $"a{i}=''")) + "/>", true),
            ("<a " + string.Join(' ', Enumerable.Range(0, 1001).Select(static i => $"a{i}=''")) + "/>", false),
            (string.Concat(Enumerable.Repeat("<a>", 900)) + string.Concat(Enumerable.Repeat("</a>", 900)), true),
            (string.Concat(Enumerable.Repeat("<a>", 2000)) + string.Concat(Enumerable.Repeat("</a>", 2000)), false),
        })
        {
            var buffer = new CborBuffer();
            buffer.Tag(CborTags.Xml);
            buffer.Text(text);
            if (expected) Assert.IsType<System.Xml.XmlDocument>(new ObjectDecoder().Decode(buffer.Memory));
            else Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => new ObjectDecoder().Decode(buffer.Memory)).Id);
        }
    }

    private static object? Decode(string hex) =>
        new ObjectDecoder().Decode(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
}
