using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Net.Mail;
using System.Numerics;
using System.Security;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Xml;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Encodes PowerShell values as JSON in one line. Unlike ConvertTo-Json, it writes enums as their names, byte arrays as base64 and
/// time spans as their text.</summary>
/// <param name="depth">How many levels of live objects are sent with their properties.</param>
/// <param name="allowSecrets">Whether secrets may be sent.</param>
internal sealed class JsonEncoder(int depth, bool allowSecrets = false)
{
    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = CodecLimits.MaxDepth + 1,
        // The calls below are always in a valid order.
        SkipValidation = true,
    };

    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly object?[] _path = new object?[CodecLimits.MaxDepth];
    private readonly List<string> _warnings = [];
    private Utf8JsonWriter? _writer;
    private int _depth;
    private int _level;
    private uint _steps;
    private CancellationToken _cancellation;

    /// <summary>What was left out of the last value, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Encodes one value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="cancellation">Ends the encoding of a large value.</param>
    /// <returns>Its JSON in UTF-8. It is valid until the next call.</returns>
    public ReadOnlySpan<byte> Encode(object? value, CancellationToken cancellation = default)
    {
        _cancellation = cancellation;
        _buffer.ResetWrittenCount();
        _writer ??= new Utf8JsonWriter(_buffer, Options);
        _writer.Reset();
        _warnings.Clear();
        _depth = 0;
        _level = 0;
        try
        {
            Write(value);
            _writer.Flush();
        }
        finally
        {
            Array.Clear(_path);
        }
        return _buffer.WrittenSpan;
    }

    private void Write(object? value)
    {
        if ((++_steps & 255) == 0) _cancellation.ThrowIfCancellationRequested();
        var wrapped = value as PSObject;
        var plain = wrapped?.BaseObject ?? value;
        if (TryWriteScalar(plain)) return;
        if (plain is PSCustomObject) WriteProperties(wrapped!, wrapped!);
        else if (plain is IDictionary table) WriteTable(table);
        else if (plain is IpcPropertyBag bag) WriteBag(bag);
        else if (plain is SecureString or PSCredential) WriteSecret(plain);
        else if (plain is XmlNode or ScriptBlock or Type or IPAddress or CultureInfo or MailAddress) WriteText(ValueText.TryOf(plain));
        else if (plain is IEnumerable items) WriteItems(items);
        else WriteLive(plain!, wrapped ?? PSObject.AsPSObject(plain!));
    }

    private bool TryWriteScalar(object? value)
    {
        switch (value)
        {
            case null or DBNull:
                _writer!.WriteNullValue();
                return true;
            case string text:
                WriteText(text);
                return true;
            case bool flag:
                _writer!.WriteBooleanValue(flag);
                return true;
            case SwitchParameter present:
                _writer!.WriteBooleanValue(present);
                return true;
            case Enum or IpcEnum or IpcOmitted or Version or TimeSpan or IpcAddress:
                WriteText(value.ToString());
                return true;
            case int number:
                _writer!.WriteNumberValue(number);
                return true;
            case long number:
                _writer!.WriteNumberValue(number);
                return true;
            case ulong number:
                _writer!.WriteNumberValue(number);
                return true;
            case byte or sbyte or short or ushort or uint:
                _writer!.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                return true;
            case decimal number:
                _writer!.WriteNumberValue(number);
                return true;
            case double number when double.IsFinite(number):
                _writer!.WriteNumberValue(number);
                return true;
            case float number when float.IsFinite(number):
                _writer!.WriteNumberValue(number);
                return true;
            case BigInteger number:
                _writer!.WriteRawValue(number.ToString(CultureInfo.InvariantCulture), skipInputValidation: true);
                return true;
            case double or float:
                WriteText(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                return true;
            case char unit:
                WriteText(unit.ToString());
                return true;
            case DateTime time:
                _writer!.WriteStringValue(time);
                return true;
            case DateTimeOffset time:
                _writer!.WriteStringValue(time);
                return true;
            case Guid id:
                _writer!.WriteStringValue(id);
                return true;
            case Uri uri:
                WriteText(uri.OriginalString);
                return true;
            // To the runtime an sbyte[] is a byte[] too.
            case byte[] bytes when bytes.GetType() == typeof(byte[]):
                _writer!.WriteBase64StringValue(bytes);
                return true;
            case DateOnly or TimeOnly:
                WriteText(((IFormattable)value).ToString("O", CultureInfo.InvariantCulture));
                return true;
            default:
                return false;
        }
    }

    private void WriteText(string? text)
    {
        if (text is null) _writer!.WriteNullValue();
        else if (!JsonText.HasUnpairedSurrogate(text)) _writer!.WriteStringValue(text);
        else _writer!.WriteRawValue(JsonText.Escape(text), skipInputValidation: true);
    }

    private void WriteSecret(object value)
    {
        if (!allowSecrets) throw CodecLimits.SecretRefused(value.GetType().ToString());
        if (value is SecureString secret)
        {
            WriteText(Reveal(secret));
            return;
        }
        var credential = (PSCredential)value;
        _writer!.WriteStartObject();
        _writer.WriteString(nameof(credential.UserName), credential.UserName);
        _writer.WritePropertyName(nameof(credential.Password));
        WriteText(credential.Password is { } password ? Reveal(password) : null);
        _writer.WriteEndObject();
    }

    private static string Reveal(SecureString secret) => new NetworkCredential("", secret).Password;

    private void WriteItems(IEnumerable items)
    {
        if (!Enter(items)) return;
        _writer!.WriteStartArray();
        foreach (var item in items) Write(item);
        _writer.WriteEndArray();
        Exit();
    }

    private void WriteTable(IDictionary table)
    {
        if (!Enter(table)) return;
        _writer!.WriteStartObject();
        var entries = table.GetEnumerator();
        while (entries.MoveNext())
        {
            _writer.WritePropertyName(ValueText.Of(entries.Key));
            Write(entries.Value);
        }
        (entries as IDisposable)?.Dispose();
        _writer.WriteEndObject();
        Exit();
    }

    private void WriteBag(IpcPropertyBag bag)
    {
        if (!Enter(bag)) return;
        _writer!.WriteStartObject();
        foreach (var (name, value) in bag)
        {
            _writer.WritePropertyName(name);
            Write(value);
        }
        _writer.WriteEndObject();
        Exit();
    }

    private void WriteLive(object value, PSObject wrapped)
    {
        if (_level >= depth)
        {
            WriteText(ValueText.TryOf(wrapped));
            return;
        }
        _level++;
        WriteProperties(value, wrapped);
        _level--;
    }

    private void WriteProperties(object identity, PSObject wrapped)
    {
        if (!Enter(identity)) return;
        _writer!.WriteStartObject();
        foreach (var property in wrapped.Properties)
        {
            if (!property.IsGettable) continue;
            _writer.WritePropertyName(property.Name);
            Write(PSObjectAccess.ValueOf(property));
        }
        _writer.WriteEndObject();
        Exit();
    }

    private bool Enter(object identity)
    {
        for (var i = _depth - 1; i >= 0; i--)
        {
            if (ReferenceEquals(_path[i], identity)) return Omit(identity, IpcOmission.Cycle, "contains itself");
        }
        if (_depth == _path.Length) return Omit(identity, IpcOmission.Depth, $"is nested more than {CodecLimits.MaxDepth} levels deep");
        _path[_depth++] = identity;
        return true;
    }

    private bool Omit(object identity, IpcOmission reason, string why)
    {
        var type = (identity as PSObject)?.BaseObject.GetType() ?? identity.GetType();
        _warnings.Add($"A {type} {why}. A mark was sent in its place.");
        WriteText(new IpcOmitted(reason, type.ToString()).ToString());
        return false;
    }

    private void Exit() => _path[--_depth] = null;
}
