using System.Management.Automation;
using IpcPs.Module.Serialization;
using IpcPs.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Serialization;

/// <summary>Records of PowerShell's streams: their copies can be read, and the records can be created again from them.</summary>
public sealed class StreamRecordTests : IDisposable
{
    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void An_error_can_be_read()
    {
        var copy = Copy(Error("1/0"));
        Assert.Equal("Deserialized.System.Management.Automation.ErrorRecord", copy.TypeNames[0]);
        Assert.Equal("Attempted to divide by zero.", copy.Properties["Message"].Value);
        Assert.Equal("RuntimeException", copy.Properties["FullyQualifiedErrorId"].Value);
        var category = (PSObject)copy.Properties["CategoryInfo"].Value;
        Assert.True(category.Properties["Category"].Value.Equals("NotSpecified"));
        Assert.Equal("NotSpecified: (:) [], RuntimeException", category.ToString());
        Assert.Contains("1/0", (string)copy.Properties["PositionMessage"].Value, StringComparison.Ordinal);
        Assert.Equal("Attempted to divide by zero.", copy.ToString());
        var exception = (PSObject)copy.Properties["Exception"].Value;
        Assert.Equal("Deserialized.System.Management.Automation.RuntimeException", exception.TypeNames[0]);
        Assert.Null(exception.Properties["ErrorRecord"]);
    }

    [Theory]
    [InlineData("1/0")]
    [InlineData(
        "function f { [CmdletBinding()] param() $PSCmdlet.WriteError(" +
        "[Management.Automation.ErrorRecord]::new([IO.IOException]::new('lost'), 'My.Id', 'ReadError', 42)) }; f")]
    [InlineData("Receive-IpcMessage fifo:there-is-none -NoWait")]
    [InlineData("Get-Item")]
    [InlineData("throw 'thrown'")]
    [InlineData("throw [pscustomobject]@{ A = 1 }")]
    public void An_error_is_created_again(string script)
    {
        var original = Error(script);
        var record = Assert.IsType<ErrorRecord>(StreamRecordReader.Restore(Copy(original)));
        Assert.Equal(original.FullyQualifiedErrorId, record.FullyQualifiedErrorId);
        Assert.Equal(original.CategoryInfo.ToString(), record.CategoryInfo.ToString());
        Assert.Equal(original.CategoryInfo.Category, record.CategoryInfo.Category);
        Assert.Equal(original.ToString(), record.ToString());
        Assert.Equal(original.Exception.Message, record.Exception.Message);
        Assert.Equal(original.ErrorDetails?.RecommendedAction, record.ErrorDetails?.RecommendedAction);
        Assert.Equal(original.ScriptStackTrace, record.ScriptStackTrace);
        Assert.Equal(original.InvocationInfo?.ScriptLineNumber, record.InvocationInfo?.ScriptLineNumber);
        Assert.Equal(original.InvocationInfo?.OffsetInLine, record.InvocationInfo?.OffsetInLine);
        Assert.Equal(original.InvocationInfo?.MyCommand?.Name, record.InvocationInfo?.MyCommand?.Name);
        // And once more, as in a chain of processes.
        Assert.Equal(record.FullyQualifiedErrorId, ((ErrorRecord)StreamRecordReader.Restore(Copy(record))!).FullyQualifiedErrorId);
    }

    [Fact]
    public void Whatever_claims_to_be_an_error_becomes_one()
    {
        foreach (var nonsense in new object?[] { null, 1, "x", new PSObject(), Copy(new Version(1, 2)) })
        {
            Assert.NotNull(StreamRecordReader.ToErrorRecord(nonsense).ToString());
        }
        var copy = Copy(Error("1/0"));
        foreach (var name in copy.Properties.Select(static property => property.Name).ToArray())
        {
            var broken = Copy(Error("1/0"));
            broken.Properties[name].Value = new object[] { 1 };
            Assert.NotNull(Assert.IsType<ErrorRecord>(StreamRecordReader.Restore(broken)).ToString());
            broken.Properties.Remove(name);
            Assert.NotNull(Assert.IsType<ErrorRecord>(StreamRecordReader.Restore(broken)).ToString());
        }
    }

    [Fact]
    public void Messages_are_created_again()
    {
        Assert.Equal("careful", Assert.IsType<WarningRecord>(Again(new WarningRecord("careful"))).Message);
        Assert.Equal("my.id", Assert.IsType<WarningRecord>(Again(new WarningRecord("my.id", "careful"))).FullyQualifiedWarningId);
        Assert.Equal("more", Assert.IsType<VerboseRecord>(Again(new VerboseRecord("more"))).Message);
        Assert.Equal("most", Assert.IsType<DebugRecord>(Again(new DebugRecord("most"))).Message);
    }

    [Fact]
    public void Information_is_created_again()
    {
        var message = new HostInformationMessage { Message = "red", ForegroundColor = ConsoleColor.Red, NoNewLine = true };
        var original = new InformationRecord(message, "me") { User = "someone", ProcessId = 4711 };
        original.Tags.AddRange(["PSHOST", "x"]);
        var record = Assert.IsType<InformationRecord>(Again(original));
        var host = Assert.IsType<HostInformationMessage>(record.MessageData);
        Assert.Equal(("red", true), (host.Message, host.NoNewLine));
        Assert.Equal((ConsoleColor.Red, (ConsoleColor?)null), (host.ForegroundColor, host.BackgroundColor));
        Assert.Equal(("me", "someone", 4711u), (record.Source, record.User, record.ProcessId));
        Assert.Equal(original.TimeGenerated, record.TimeGenerated);
        Assert.Equal(["PSHOST", "x"], record.Tags);
        Assert.Equal(5, Assert.IsType<InformationRecord>(Again(new InformationRecord(5, "me"))).MessageData);
    }

    [Fact]
    public void Progress_is_created_again()
    {
        var original = new ProgressRecord(3, "act", "status")
        {
            ParentActivityId = 1,
            PercentComplete = 40,
            SecondsRemaining = 7,
            CurrentOperation = "op",
            RecordType = ProgressRecordType.Completed,
        };
        var record = Assert.IsType<ProgressRecord>(Again(original));
        Assert.Equal(original.ToString(), record.ToString());
    }

    [Fact]
    public void Other_values_are_not_records()
    {
        foreach (var value in new object?[] { null, 1, "text", new PSObject(), Copy(new Version(1, 2)), Copy(new FileInfo("/etc/passwd")) })
        {
            Assert.Null(StreamRecordReader.Restore(value));
        }
    }

    private ErrorRecord Error(string script) => Assert.Single(_session.Run(script).Errors);

    private static object? Again(object record) => StreamRecordReader.Restore(Copy(record));

    private static PSObject Copy(object value)
    {
        var payload = new ObjectEncoder(PSObjectModel.Instance).Encode(value);
        return PSObject.AsPSObject(new ObjectDecoder(PSObjectModel.Instance).Decode(payload));
    }
}
