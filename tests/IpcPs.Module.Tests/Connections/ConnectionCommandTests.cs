using System.Management.Automation;
using System.Xml.Linq;
using IpcPs.Connections;
using IpcPs.Module.Tests.Sockets;
using Xunit;

namespace IpcPs.Module.Tests.Connections;

public sealed class ConnectionCommandTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"conn-{Guid.NewGuid():N}";

    public void Dispose() => _session.Dispose();

    [Fact]
    public void What_cannot_be_meant_is_an_error()
    {
        var missing = _session.Run("Get-IpcConnection -Id 2147483646").Error();
        Assert.StartsWith("IpcProcessNotFound,", missing.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal((ErrorCategory.ObjectNotFound, "No process has the id 2147483646."),
            (missing.CategoryInfo.Category, missing.Exception.Message));
        var named = _session.Run("Get-IpcConnection -Id no-such-program").Error();
        Assert.Equal(("No process is named 'no-such-program'.", ErrorCategory.ObjectNotFound),
            (named.Exception.Message, named.CategoryInfo.Category));
        var depth = _session.Run("Get-IpcConnection -Depth 2").Error();
        Assert.StartsWith("IpcInvalidArgument,", depth.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal((ErrorCategory.InvalidArgument, "-Depth counts steps from the processes of -Id, and -Id is not given."),
            (depth.CategoryInfo.Category, depth.Exception.Message));
        foreach (var command in new[] { "Get-IpcConnection -Id @()", "Get-IpcConnection -Kind @()", "Get-IpcConnection -Depth 0 -Id 1" })
            Assert.IsAssignableFrom<ParameterBindingException>(_session.Run(command).Error().Exception);
        Assert.Empty(_session.Run("@() | Get-IpcConnection").NoErrors().Values);
        Assert.Contains("No connection was found.", _session.Run("Get-IpcConnection \"$($args[0])*\" -Verbose", _name).NoErrors().Verbose);
        Assert.Contains("No connections.", (string)_session.Run("@() | ConvertTo-IpcDiagram").Single()!, StringComparison.Ordinal);
    }

    [NeedsFact("python3")]
    public void Connections_are_selected_shown_and_drawn()
    {
        _session.Run("$global:queue = New-IpcQueue $args[0]; 'x' | Send-IpcMessage $queue", _name).NoErrors();
        try
        {
            using var peer = Shell.Find("python3")!.StartArguments(["-c", """
                import ctypes, os, sys
                ctypes.CDLL('librt.so.1').mq_open(b'/' + sys.argv[1].encode(), os.O_RDONLY); print('ready', flush=True); sys.stdin.read()
                """, _name]);
            peer.Expect("ready");
            var here = Environment.ProcessId;
            foreach (var selection in new[] { "$args[0]", "\"mq:/$($args[0])\"", "\"$($args[0])*\" -Kind Mq", "$args[0] -Id $args[1]",
                "$args[0] -Id python3*", "$args[0] -Id $PID -Depth 2", "$args[0] -Id (Get-Process -Id $PID)" })
            {
                var found = _session.Run($"Get-IpcConnection {selection} -WarningAction Ignore", _name, peer.Id).Single();
                var connection = Assert.IsType<IpcConnection>(found);
                Assert.Equal((here, peer.Id, $"mq:/{_name}", 1L),
                    (connection.From.ProcessId, connection.To.ProcessId, connection.AddressText, connection.Depth));
            }
            Assert.Empty(_session.Run("Get-IpcConnection $args[0] -Kind SysVMq -WarningAction Ignore", _name).NoErrors().Values);
            Assert.Empty(_session.Run("Get-IpcConnection $args[0] -Id $args[1] -WarningAction Ignore", _name, 1).NoErrors().Values);
            var table = (string)_session.Run("Get-IpcConnection $args[0] -Id $args[1] -WarningAction Ignore | Out-String -Width 80",
                _name, peer.Id).Single()!;
            Assert.DoesNotContain('\u2026', table);
            Assert.Contains($"({peer.Id})", table, StringComparison.Ordinal);
            Assert.Matches("-> .*Open +1 ", table);
            _session.Run("$global:found = Get-IpcConnection $args[0] -WarningAction Ignore", _name).NoErrors();
            var text = (string)_session.Run("$found | ConvertTo-IpcDiagram Svg -Title 'A queue' -Direction TopToBottom").Single()!;
            var words = XDocument.Parse(text).Root!.Elements().Take(2).Select(static e => e.Value).ToList();
            Assert.Equal("A queue", words[0]);
            Assert.Contains($"mq:/{_name} (1 message): ", words[1], StringComparison.Ordinal);
            var mermaid = (string)_session.Run("ConvertTo-IpcDiagram -InputObject $found").Single()!;
            Assert.StartsWith("flowchart LR", mermaid, StringComparison.Ordinal);
        }
        finally
        {
            _session.Run("Remove-IpcObject $queue");
        }
    }
}
