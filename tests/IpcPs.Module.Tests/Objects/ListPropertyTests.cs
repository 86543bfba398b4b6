using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Objects;

/// <summary>The lists that objects have as properties, as PowerShell sees them.</summary>
public sealed class ListPropertyTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"list-{Environment.ProcessId}-{Guid.NewGuid():n}";

    public void Dispose()
    {
        _session.Run("Get-Job | Remove-Job -Force; Unregister-Event list*; $q, $v, $s | Remove-IpcObject -Confirm:$false");
        _session.Dispose();
    }

    [Fact]
    public void Each_has_an_index()
    {
        var values = _session.Run("""
            $global:q = New-IpcQueue $args[0]; $global:v = New-IpcQueue -Kind SysV; $global:s = New-IpcSemaphore -Kind SysV
            1 | Send-IpcMessage $v
            $workers = 1..2 | Start-IpcJob -Process { $_ } -Workers 2
            $stages = Start-IpcJob { 1 } | Start-IpcJob { $input }
            Register-IpcMessage $q -Action { } -SourceIdentifier list1
            Register-IpcSignal RTMIN+9 -SourceIdentifier list2
            $workers; $workers.Workers; $stages; $stages.Sources; $q; $v; $s
            Get-EventSubscriber list* | ForEach-Object SourceObject
            Get-IpcObject -All -WarningAction Ignore
            Get-IpcConnection -WarningAction Ignore
            Watch-IpcObject -Count 1 -WarningAction Ignore
            Receive-IpcMessage $v -Envelope
            """, _name).NoErrors().Output;
        var lists = values.SelectMany(static v => v!.Properties)
            .Where(static p => p.TypeNameOfValue.StartsWith("System.Collections.Generic.", StringComparison.Ordinal)).ToArray();
        // Workers, Sources, Holders, LastIds, Channels, Signals and others.
        Assert.True(lists.Select(static p => p.Name).Distinct().Count() >= 6);
        // What the compiler makes has a name with <>.
        Assert.DoesNotContain(lists, static p => p.Value?.GetType().Name.Contains('<', StringComparison.Ordinal) is true);
        Assert.Equal([1, 2], _session.Run("(Get-Job | Where-Object Workers)[0].Workers[0, 1].Id").Values);
    }
}
