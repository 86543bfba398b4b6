using Xunit;

namespace IpcPs.Tests.Peers;

/// <summary>A test that needs programs of the machine, and says so where one is missing.</summary>
internal sealed class NeedsAttribute : FactAttribute
{
    /// <param name="programs">Programs on PATH, or by their full path; <c>/usr/bin/python3:sysv_ipc</c> also needs that module of
    /// it.</param>
    public NeedsAttribute(params string[] programs)
    {
        foreach (var needed in programs)
        {
            var parts = needed.Split(':');
            if (!Peer.Has(parts[0])) Skip = $"{parts[0]} is not on PATH.";
            else if (parts.Length > 1 && !HasModule(parts[0], parts[1])) Skip = $"{parts[0]} has no module {parts[1]}.";
        }
    }

    private static bool HasModule(string program, string module)
    {
        using var probe = Peer.Start(program, ["-c", $"import {module}"]);
        try
        {
            probe.Finish();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
