namespace IpcPs.Module.Tests.Pester;

/// <summary>A test of tests/Pester, as tests/Pester/Invoke-Tests.ps1 tells of it.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Name">The names of its blocks and its own.</param>
/// <param name="Skip">Whether Pester skips it.</param>
/// <param name="Passed">Whether it passed; false where it was only listed.</param>
/// <param name="Failure">Pester's text.</param>
internal sealed record PesterResult(string File, string Name, bool Skip, bool Passed, string Failure);
