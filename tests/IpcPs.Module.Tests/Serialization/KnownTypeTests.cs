using System.Management.Automation;
using IpcPs.Module.Serialization;
using IpcPs.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Serialization;

/// <summary>Every type that PowerShell's own serializer restores arrives as that type; secrets only where the sender allows it.</summary>
public sealed class KnownTypeTests : IDisposable
{
    private readonly ModuleSession _session = new();

    public void Dispose() => _session.Dispose();

    [Theory]
    [InlineData("[switch]$false", "[bool]$r, $r.GetType().Name -join ' '", "False SwitchParameter")]
    [InlineData("[switch]$true", "[bool]$r", true)]
    [InlineData("[xml]'<a> <b c=\"1\"/></a>'", "$r.GetType().Name + $r.a.b.c + $r.OuterXml", "XmlDocument1<a><b c=\"1\" /></a>")]
    [InlineData("[ipaddress]'fe80::1%3'", "$r.GetType().Name + $r", "IPAddressfe80::1%3")]
    [InlineData("[mailaddress]'a@b.c'", "$r.GetType().Name + $r.Host", "MailAddressb.c")]
    [InlineData("[cultureinfo]::InvariantCulture", "$r.GetType().Name + $r.LCID", "CultureInfo127")]
    [InlineData("[DBNull]::Value", "$r.GetType().Name", "DBNull")]
    [InlineData("[X500DistinguishedName]::new('CN=x')", "$r.GetType().Name + $r.Name", "X500DistinguishedNameCN=x")]
    [InlineData("@{ a = [switch]$false; b = [DBNull]::Value }", "[bool]$r.a, ($r.b -is [DBNull]) -join ' '", "False True")]
    [InlineData("[Microsoft.PowerShell.Commands.ModuleSpecification]@{ ModuleName = 'M'; ModuleVersion = '1.2' }",
        "$r.GetType().Name + $r.Name + $r.Version", "ModuleSpecificationM1.2")]
    [InlineData("[System.Management.Automation.CompletionResult]::new('a', 'b', 'Command', 'd')",
        "$r.GetType().Name + $r.CompletionText + $r.ListItemText + $r.ResultType + $r.ToolTip", "CompletionResultabCommandd")]
    [InlineData("[System.Management.Automation.Remoting.PSSessionOption]@{ OpenTimeout = '0:0:5' }",
        "$r.GetType().Name + $r.OpenTimeout.TotalSeconds", "PSSessionOption5")]
    [InlineData("[System.Management.Automation.JobStateInfo]::new('Failed', [Exception]::new('why'))",
        "$r.GetType().Name + $r.State + $r.Reason.Message", "JobStateInfoFailedSystem.Exception: why")]
    [InlineData("(TabExpansion2 'Get-Chil' 8)",
        "$r.GetType().Name + $r.CompletionMatches[0].ListItemText", "CommandCompletionGet-ChildItem")]
    [InlineData("[PSListModifier]@{ Add = 1, 2 }", "$r.GetType().Name + $r.Add.Count", "PSListModifier2")]
    [InlineData("(Get-FormatData System.IO.FileInfo)",
        "$t = $r.FormatViewDefinition[0].Control; $r.GetType().Name + $t.GetType().Name + $t.Rows[0].Columns.GetType().Name",
        "ExtendedTypeDefinitionTableControlList`1")]
    public void A_type_that_PowerShell_restores_is_restored(string send, string look, object expected)
    {
        var script = $$"""
            using namespace System.Security.Cryptography.X509Certificates
            $pipe = New-IpcPipe
            $object = {{send}}
            Send-IpcMessage $pipe -InputObject $object -Timeout 10
            $r = Receive-IpcMessage $pipe -Timeout 10
            {{look}}
            """;
        Assert.Equal(expected, _session.Run(script).Single());
    }

    [Fact]
    public void A_secret_is_refused_by_its_name_unless_it_is_allowed()
    {
        var result = _session.Run("""
            $c = [pscredential]::new('user', (ConvertTo-SecureString 'pw1' -AsPlainText -Force))
            $pipe = New-IpcPipe
            Send-IpcMessage $pipe $c
            Send-IpcMessage $pipe @{ a = $c.Password }
            Send-IpcMessage $pipe $c -Format Json
            $memory = New-IpcSharedMemory -Size 4096
            Write-IpcSharedMemory $memory $c
            Invoke-IpcRequest (New-IpcPipe -Duplex).Near $c
            Send-IpcMessage $pipe $c -AllowUnencryptedSecret
            $r = Receive-IpcMessage $pipe -Timeout 10
            $r.GetType().Name + $r.UserName + $r.GetNetworkCredential().Password
            Send-IpcMessage $pipe ([pscredential]::Empty) -AllowUnencryptedSecret
            [object]::ReferenceEquals((Receive-IpcMessage $pipe -Timeout 10), [pscredential]::Empty)
            Send-IpcMessage $pipe $c -AllowUnencryptedSecret -Format Json
            (Receive-IpcMessage $pipe -Timeout 10 -Format Json).Password
            Write-IpcSharedMemory $memory $c.Password -AllowUnencryptedSecret
            (Read-IpcSharedMemory $memory -As Object).GetType().Name
            """);
        Assert.Equal(["PSCredentialuserpw1", true, "pw1", "SecureString"], result.Values);
        Assert.Equal(5, result.Errors.Count);
        Assert.All(result.Errors, static error =>
        {
            Assert.StartsWith("IpcSecretRefused,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
            Assert.Equal(ErrorCategory.InvalidArgument, error.CategoryInfo.Category);
            Assert.Matches("^The value contains a secret \\([A-Za-z.]+\\), and nothing encrypts what is sent here\\.$", error.ToString());
            Assert.EndsWith(
                "Use Start-IpcJob with $using: or -ArgumentList. -AllowUnencryptedSecret sends it anyway.",
                error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Secrets_and_switches_travel_with_a_job_and_its_own_pipes_only()
    {
        var result = _session.Run("""
            $c = [pscredential]::new('user', (ConvertTo-SecureString 'pw1' -AsPlainText -Force))
            $off = [switch]$false
            $job = $c | Start-IpcJob {
                param($d, $flag)
                ($using:c).GetNetworkCredential().Password
                $d.GetNetworkCredential().Password
                @($input)[0].GetNetworkCredential().Password
                if ($flag -or $using:off) { 'on' } else { 'off' }
                (Receive-IpcMessage $IpcParent -Timeout 60).UserName
                Send-IpcMessage $IpcParent $d
                $d
            } -ArgumentList $c, $off
            Send-IpcMessage $job $c
            $output = $job | Receive-Job -Wait
            $output[0..4]
            $output[5].GetNetworkCredential().Password
            (Receive-IpcMessage $job -Timeout 10).UserName
            Remove-Job $job
            try { $null = $c | Start-IpcJob { @($input).Count } -Via Ring } catch { Write-Error -ErrorRecord $_ }
            Get-Job | Remove-Job -Force
            """);
        Assert.Equal(["pw1", "pw1", "pw1", "off", "user", "pw1", "user"], result.Values);
        Assert.StartsWith("IpcSecretRefused", result.Error().FullyQualifiedErrorId, StringComparison.Ordinal);
    }

    [Fact]
    public void What_PowerShell_cannot_restore_stays_a_copy()
    {
        var encoder = new ObjectEncoder();
        var copy = new IpcPropertyBag { IsCopy = true, TypeNames = ["Some.Type"] };
        for (var code = 0; code < 40; code++)
        {
            byte[] bytes = [0xD9, 0xC9, 0x70, 0x82, 0x18, (byte)code, .. encoder.Encode(copy).Span];
            Assert.NotNull(new ObjectDecoder(PSObjectModel.Instance).Decode(bytes));
        }
    }
}
