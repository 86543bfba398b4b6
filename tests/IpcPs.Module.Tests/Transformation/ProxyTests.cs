using System.Diagnostics;
using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Transformation;

/// <summary>What the types of the parameters accept without the parameters' attributes: proxy functions and mocks have the types
/// alone.</summary>
public sealed class ProxyTests : IDisposable
{
    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Every_command_has_a_proxy_whose_parameters_accept_what_its_own_accept()
    {
        var samples = new Dictionary<string, object[]>
        {
            ["TimeoutTransformation"] = [1, 2.5, "0.5", "00:00:03", TimeSpan.FromSeconds(4)],
            ["ModeTransformation"] = [600, "0640", "u=rw,g=r", "UserWrite, UserRead", UnixFileMode.UserRead],
            ["SignalTransformation"] = ["TERM", "SIGUSR1", 15, .. _session.Run("Get-IpcSignal HUP").Values!],
            ["ProcessTransformation"] = [1, "2", Process.GetCurrentProcess()],
            ["WaitableTransformation"] = ["mq:/x", "USR1", 1, "1", Process.GetCurrentProcess()],
            ["IpcTargetTransformation"] = ["mq:/x", .. _session.Run("$global:p = New-IpcPipe; $p.Reader; $p.Address").Values!],
            ["IpcJobPoolTransformation"] = [.. _session.Run("$global:pool = New-IpcJobPool 1; $pool; $pool.Name").NoErrors().Values!],
        };
        var compared = 0;
        foreach (var command in _session.Run("Get-Command -Module IpcPs").NoErrors().Values.Cast<CmdletInfo>())
        {
            _session.Run($"function global:Test-Proxy {{ {ProxyCommand.Create(new CommandMetadata(command))} }}").NoErrors();
            var proxy = (CommandInfo)_session.Run("Get-Command Test-Proxy").Single()!;
            foreach (var parameter in command.Parameters.Values)
            {
                var type = proxy.Parameters[parameter.Name].ParameterType;
                Assert.Equal(parameter.ParameterType, type);
                // [Credential()] is PowerShell's own, and asks the user.
                if (parameter.Attributes.OfType<ArgumentTransformationAttribute>().SingleOrDefault(static a => a is not CredentialAttribute)
                    is not { } transformation) continue;
                foreach (var sample in samples[transformation.GetType().Name[..^"Attribute".Length]])
                {
                    var direct = LanguagePrimitives.ConvertTo(transformation.Transform(null!, sample), type);
                    Assert.Equal(Text(direct), Text(LanguagePrimitives.ConvertTo(sample, type)));
                    compared++;
                }
            }
        }
        _session.Run("Close-IpcObject $p; Remove-IpcJobPool $pool").NoErrors();
        Assert.True(compared > 100, $"Only {compared} values were compared.");
    }

    [Fact]
    public void A_proxied_call_binds_and_waits_as_long_as_it_is_told()
    {
        var result = _session.Run("""
            $proxy = [Management.Automation.ProxyCommand]::Create((Get-Command Receive-IpcMessage))
            . ([scriptblock]::Create("function Receive-Again { $proxy }"))
            $p = New-IpcPipe
            try {
                5 | Send-IpcMessage $p.Writer
                Receive-Again $p.Reader -Timeout 2
                $watch = [Diagnostics.Stopwatch]::StartNew()
                try { Receive-Again $p.Reader -Timeout 0.2 -ErrorAction Stop }
                catch { $_.FullyQualifiedErrorId.Split(',')[0]; $watch.Elapsed.TotalSeconds -ge 0.19 }
                try { Receive-Again $p.Reader -Timeout nonsense } catch { $_.Exception.Message }
            }
            finally { Close-IpcObject $p }
            """);
        Assert.Equal([5, "IpcTimeout", true], result.Values.Take(3));
        Assert.Contains("A timeout in seconds (2.5) or as a TimeSpan is expected, not 'nonsense'.", (string)result.Values[3]!,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_Tab_offers_is_taken()
    {
        var taken = 0;
        foreach (var command in _session.Run("Get-Command -Module IpcPs").NoErrors().Values.Cast<CmdletInfo>())
        {
            foreach (var parameter in command.Parameters.Values.Where(p => !Cmdlet.CommonParameters.Contains(p.Name)))
            {
                // Behind a switch Tab offers the next argument. An address is opened, which is the command's own affair.
                if (parameter.SwitchParameter || parameter.ParameterType.Name.StartsWith("IpcTarget", StringComparison.Ordinal)) continue;
                foreach (var offered in Complete($"{command.Name} -{parameter.Name} "))
                {
                    var text = offered.CompletionText.Trim('\'');
                    if (offered.ResultType != CompletionResultType.ParameterValue) continue;
                    object? value = text;
                    foreach (var attribute in parameter.Attributes.OfType<ArgumentTransformationAttribute>())
                        value = attribute.Transform(null!, value);
                    value = LanguagePrimitives.ConvertTo(value, parameter.ParameterType);
                    foreach (var set in parameter.Attributes.OfType<ValidateSetAttribute>())
                        Assert.Contains(text, set.ValidValues, StringComparer.OrdinalIgnoreCase);
                    taken++;
                }
            }
        }
        Assert.True(taken > 100, $"Only {taken} values were offered.");
        Assert.Contains("660", Complete("New-IpcQueue x -Mode 6").Select(static o => o.CompletionText));
    }

    private static string Text(object? value) =>
        value is Array many ? string.Join(' ', many.Cast<object>().Select(static o => $"{o}")) : $"{value}";

    private System.Collections.ObjectModel.Collection<CompletionResult> Complete(string text)
    {
        using var shell = PowerShell.Create(_session.Runspace);
        return CommandCompletion.CompleteInput(text, text.Length, null, shell).CompletionMatches;
    }
}
