using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Objects;

/// <summary>Remove-IpcObject with wildcards.</summary>
public sealed class RemoveTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"rm-{Environment.ProcessId}-{Guid.NewGuid():n}";

    public void Dispose()
    {
        _session.Run("Remove-IpcObject \"mq:/$($args[0])*\", \"sem:/$($args[0])*\" -Force -Confirm:$false", _name);
        _session.Dispose();
    }

    [Fact]
    public void A_pattern_removes_the_objects_of_its_scheme_that_match()
    {
        var left = _session.Run("""
            $name = $args[0]
            foreach ($i in '1', '2', 'x[1]', 'x1') { $null = New-IpcQueue "$name-$i" }
            $null = New-IpcSemaphore "$name-1"
            Remove-IpcObject "mq:/$name-*" -WhatIf
            Remove-IpcObject "mq:/$name-[12]"
            "$((Get-IpcObject "*$name*" -WarningAction Ignore).AddressText | Sort-Object)"
            Remove-IpcObject "mq:/$name-x[1]"
            "$((Get-IpcObject "*$name*" -WarningAction Ignore).AddressText | Sort-Object)"
            """, _name).NoErrors().Values;
        // An object that has exactly that name is that object.
        Assert.Equal([$"mq:/{_name}-x1 mq:/{_name}-x[1] sem:/{_name}-1", $"mq:/{_name}-x1 sem:/{_name}-1"], left);
        var error = _session.Run("Remove-IpcObject *").Error();
        Assert.StartsWith("IpcInvalidAddress,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.StartsWith("IpcNotFound,", _session.Run("Remove-IpcObject unix:no-such?type=datagram").Error().FullyQualifiedErrorId,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_does_not_reach_other_users_objects_by_accident()
    {
        if (Environment.UserName != "root") return;
        var error = _session.Run("""
            New-IpcQueue "$($args[0])-o" | Set-IpcObject -Owner 65534
            Remove-IpcObject "mq:/$($args[0])-*"
            """, _name).Error();
        Assert.StartsWith("IpcAccessDenied,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(ErrorCategory.PermissionDenied, error.CategoryInfo.Category);
        Assert.EndsWith("and this session cannot prompt for confirmation.", error.Exception.Message, StringComparison.Ordinal);
        _session.Run("""
            Remove-IpcObject "mq:/$($args[0])-*" -Force
            if (Get-IpcObject "*$($args[0])*" -WarningAction Ignore) { throw 'It is still there.' }
            """, _name).NoErrors();
    }
}
