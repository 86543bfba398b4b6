using Xunit;
using Xunit.Sdk;

namespace IpcPs.Module.Tests.Pester;

/// <summary>Stands for every test of tests/Pester, each a test of its own.</summary>
[XunitTestCaseDiscoverer("IpcPs.Module.Tests.Pester.PesterDiscoverer", "IpcPs.Module.Tests")]
public sealed class PesterFactAttribute : FactAttribute;
