using System.Management.Automation;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Inventory;

/// <summary>What Tab offers where an address is wanted.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"tab-{Guid.NewGuid():N}"[..16];

    public void Dispose()
    {
        _session.Run("if ($made) { $made | Close-IpcObject; $made | Remove-IpcObject -Force -ErrorAction Ignore }");
        _session.Dispose();
    }

    [Fact]
    public void An_object_of_every_kind_is_offered()
    {
        _session.Run("""
            $name = $args[0]
            $global:made = @(
                New-IpcPipe $name; New-IpcQueue $name; New-IpcQueue -Kind SysV; New-IpcSharedMemory $name -Size 4096
                    New-IpcSharedMemory -Size 4096 -Kind SysV
                New-IpcSemaphore $name; New-IpcSemaphore -Kind SysV; New-IpcMutex $name; New-IpcRing $name
                New-IpcSocket "unix:$name.s"; New-IpcSocket "unix:@$name"; New-IpcSocket "unix:$name.d?type=datagram"
                    New-IpcSocket tcp:127.0.0.1:0; New-IpcSocket udp:127.0.0.1:0)
            """, _name).NoErrors();
        var addresses = _session.Run("$made | ForEach-Object { \"$($_.Address)\" }").Values.Select(static v => v!.ToString()!).ToList();
        Assert.Equal(14, addresses.Count);
        foreach (var address in addresses)
        {
            // What PowerShell would read as something else is quoted.
            var offered = Complete($"Open-IpcObject {address[..^1].Split('@', '?')[0]}").Select(static o => o.Trim('\''));
            Assert.Contains(address, offered);
        }
    }

    [Fact]
    public void Every_parameter_that_takes_an_address_offers_them()
    {
        _session.Run("$global:made = @(New-IpcPipe $args[0]; New-IpcMutex $args[0]; New-IpcSharedMemory $args[0] -Size 8)", _name)
            .NoErrors();
        var missing = new List<string>();
        foreach (var command in _session.Run("Get-Command -Module IpcPs").Values.OfType<CmdletInfo>())
        {
            foreach (var parameter in command.Parameters.Values.Where(static p => p.ParameterType.Name is "IpcTarget" or "IpcTarget[]"))
            {
                // To close something takes the open object, not its address.
                if (command.Name == "Close-IpcObject") continue;
                var address = command.Noun == "IpcSharedMemory" ? "shm:/" + _name
                    : command.Name is "Lock-IpcObject" or "Unlock-IpcObject" or "Use-IpcLock" ? "mutex:" + _name
                    : "fifo:" + _name;
                if (!Complete($"{command.Name} -{parameter.Name} {address[..^4]}").Contains(address))
                    missing.Add($"{command.Name} -{parameter.Name}");
            }
        }
        Assert.Empty(missing);
        Assert.Contains("fifo:" + _name, Complete("Get-IpcObject fifo:" + _name[..8]));
        Assert.Contains("fifo:" + _name, Complete("Clear-IpcObject fifo:" + _name[..8]));
    }

    [Fact]
    public void Only_what_the_command_can_use_is_offered()
    {
        _session.Run("""
            $name = $args[0]
            $global:made = @(New-IpcQueue $name; New-IpcSharedMemory $name -Size 8; New-IpcMutex $name; New-IpcSocket "unix:@$name")
            """, _name).NoErrors();
        string[] all = ["mq:/" + _name, "shm:/" + _name, "mutex:" + _name, "unix:@" + _name];
        var usable = new Dictionary<string, string[]>
        {
            ["Lock-IpcObject"] = ["mutex:" + _name],
            ["Unlock-IpcObject"] = ["mutex:" + _name],
            ["Use-IpcLock"] = ["mutex:" + _name],
            ["Read-IpcSharedMemory"] = ["shm:/" + _name],
            ["Update-IpcSharedMemory"] = ["shm:/" + _name],
            ["Send-IpcMessage"] = ["mq:/" + _name, "unix:@" + _name],
            ["Invoke-IpcRequest"] = ["mq:/" + _name, "unix:@" + _name],
            ["Set-IpcObject"] = ["mq:/" + _name, "shm:/" + _name, "mutex:" + _name],
            ["Remove-IpcObject"] = all,
            ["Open-IpcObject"] = all,
        };
        foreach (var (command, wanted) in usable)
        {
            var offered = Complete(command + " ").Select(static o => o.Trim('\'')).ToList();
            Assert.Equal(wanted, all.Intersect(offered));
            // Of the .NET of this process: no script sends to it.
            Assert.DoesNotContain(offered, static o => o.Contains("dotnet-diagnostic-", StringComparison.Ordinal));
        }
        Assert.Equal(["mutex:", "sem:", "sysvsem:"], Complete("Lock-IpcObject ").Where(static o => o.EndsWith(':')).Order());
    }

    [Fact]
    public void Schemes_features_and_limits_are_offered()
    {
        Assert.Contains("sysvmq:", Complete("Open-IpcObject sysv"));
        Assert.Contains("Ring", Complete("Test-IpcFeature Ri"));
        Assert.Contains("fs.mqueue.msg_max", Complete("Get-IpcLimit fs.mq"));
        Assert.Equal(["SysVMq", "SysVSem", "SysVShm"], Complete("Get-IpcObject -Kind sysv").Order(StringComparer.Ordinal));
    }

    private List<string> Complete(string text)
    {
        using var shell = PowerShell.Create(_session.Runspace);
        return [.. CommandCompletion.CompleteInput(text, text.Length, null, shell).CompletionMatches.Select(static m => m.CompletionText)];
    }
}
