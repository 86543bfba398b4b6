using Xunit.Abstractions;
using Xunit.Sdk;

namespace IpcPs.Module.Tests.Pester;

/// <summary>One test of tests/Pester under its own name.</summary>
public sealed class PesterTestCase : XunitTestCase
{
    /// <summary>For deserialization.</summary>
    [Obsolete("Called by the de-serializer")]
    public PesterTestCase()
    {
    }

    /// <param name="diagnostics">Where xunit's messages go.</param>
    /// <param name="method">The method that runs it.</param>
    /// <param name="file">The file.</param>
    /// <param name="index">Its place among the tests of the file.</param>
    /// <param name="name">Its name.</param>
    /// <param name="skip">Whether Pester skips it.</param>
    public PesterTestCase(IMessageSink diagnostics, ITestMethod method, string file, int index, string name, bool skip)
        : base(diagnostics, TestMethodDisplay.ClassAndMethod, TestMethodDisplayOptions.None, method, [file, index, name])
    {
        if (skip) SkipReason = "Pester skips it: see -Skip in the file.";
    }

    /// <inheritdoc/>
    protected override string GetDisplayName(IAttributeInfo factAttribute, string displayName) =>
        $"Pester {TestMethodArguments[0]}: {TestMethodArguments[2]}";

    /// <inheritdoc/>
    public override void Serialize(IXunitSerializationInfo data)
    {
        base.Serialize(data);
        data.AddValue(nameof(SkipReason), SkipReason);
    }

    /// <inheritdoc/>
    public override void Deserialize(IXunitSerializationInfo data)
    {
        base.Deserialize(data);
        SkipReason = data.GetValue<string>(nameof(SkipReason));
    }
}
