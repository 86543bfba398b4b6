using Xunit.Abstractions;
using Xunit.Sdk;

namespace IpcPs.Module.Tests.Pester;

/// <summary>Makes a test case of each test that Pester finds.</summary>
public sealed class PesterDiscoverer(IMessageSink diagnostics) : IXunitTestCaseDiscoverer
{
    /// <inheritdoc/>
    public IEnumerable<IXunitTestCase> Discover(
        ITestFrameworkDiscoveryOptions discoveryOptions, ITestMethod testMethod, IAttributeInfo factAttribute)
    {
        IReadOnlyList<PesterResult> tests;
        try
        {
            tests = PesterRun.List();
        }
        catch (InvalidOperationException e)
        {
            // A discoverer that throws would leave the tests out without a word.
            return [new ExecutionErrorTestCase(
                diagnostics, TestMethodDisplay.ClassAndMethod, TestMethodDisplayOptions.None, testMethod, e.Message)];
        }
        return tests.GroupBy(static t => t.File).SelectMany(file => file.Select((test, index) =>
            new PesterTestCase(diagnostics, testMethod, test.File, index, test.Name, test.Skip)));
    }
}
