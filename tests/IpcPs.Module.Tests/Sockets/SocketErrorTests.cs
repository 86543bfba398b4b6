using System.Globalization;
using System.Management.Automation;
using Xunit;

namespace IpcPs.Module.Tests.Sockets;

/// <summary>What is wrong with a socket is said: id, category, text.</summary>
public sealed class SocketErrorTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly SocketPlace _place = new();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $server, $client");
        _session.Dispose();
        _place.Dispose();
    }

    [Theory]
    [InlineData("New-IpcSocket mq:/x", "IpcInvalidAddress", ErrorCategory.InvalidArgument, "'mq:/x' is not the address of a socket.")]
    [InlineData("New-IpcSocket unix:a/b", "IpcInvalidName", ErrorCategory.InvalidArgument,
        "'unix:a/b' is not a usable name: a name has no slash")]
    [InlineData("New-IpcSocket ('unix:/' + 'x' * 120)", "IpcNameTooLong", ErrorCategory.InvalidArgument, "107")]
    [InlineData("New-IpcSocket unix:x?type=raw", "IpcInvalidAddress", ErrorCategory.InvalidArgument,
        "after '?' it must have 'type=stream', 'type=seqpacket' or 'type=datagram'")]
    [InlineData("New-IpcSocket unix:x?type=seqpacket -Type Datagram", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "The address says its type already")]
    [InlineData("New-IpcSocket tcp:127.0.0.1:0 -Mode 600", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "Only a unix socket that has a file has a -Mode.")]
    [InlineData("New-IpcSocket tcp:0.0.0.0:80", "IpcInvalidAddress", ErrorCategory.InvalidArgument,
        "0.0.0.0 is not a loopback address, and IpcPs works within one machine only")]
    [InlineData("New-IpcSocket tcp:example.org:80", "IpcInvalidAddress", ErrorCategory.InvalidArgument, "names are not looked up")]
    [InlineData("New-IpcSocket tcp:127.0.0.1:99999", "IpcInvalidAddress", ErrorCategory.InvalidArgument, "with a port of 0 to 65535")]
    [InlineData("New-IpcSocket $place/none/s", "IpcNotFound", ErrorCategory.ObjectNotFound,
        "bind on 'unix:{0}/none/s' failed: No such file or directory (ENOENT).")]
    [InlineData("New-IpcSocket $place/file", "IpcAlreadyExists", ErrorCategory.ResourceExists, "'{0}/file' exists and is not a socket.")]
    [InlineData("New-IpcSocket $place/s -AllowUser no-such-user", "IpcInvalidArgument", ErrorCategory.InvalidArgument,
        "There is no user 'no-such-user' on this machine.")]
    [InlineData("$server = New-IpcSocket $place/s; New-IpcSocket $place/s", "IpcAlreadyExists", ErrorCategory.ResourceExists,
        "'unix:{0}/s' has a live server.")]
    [InlineData("$server = New-IpcSocket tcp:127.0.0.1:0; New-IpcSocket $server.Address.Text", "IpcAlreadyExists",
        ErrorCategory.ResourceExists, "' has a live server.")]
    [InlineData("Open-IpcObject unix:$place/s", "IpcNotFound", ErrorCategory.ObjectNotFound, "There is no socket 'unix:{0}/s'.")]
    [InlineData("Open-IpcObject unix:$place/file", "IpcWrongKind", ErrorCategory.InvalidOperation, "'{0}/file' is not a socket.")]
    [InlineData("Open-IpcObject unix:@no-such-server", "IpcNoPeer", ErrorCategory.ConnectionError,
        "No process listens at 'unix:@no-such-server'.")]
    [InlineData("Open-IpcObject tcp:127.0.0.1:0", "IpcInvalidAddress", ErrorCategory.InvalidArgument,
        "'tcp:127.0.0.1:0' has no port to connect to.")]
    [InlineData("Open-IpcObject unix:$place/s -Wait -Timeout 0.01", "IpcTimeout", ErrorCategory.OperationTimeout, "Waited 0.01 s for ")]
    [InlineData("Open-IpcObject unix:@no-such-server -Wait -Timeout 0.01", "IpcTimeout", ErrorCategory.OperationTimeout,
        "Waited 0.01 s for a server at 'unix:@no-such-server'.")]
    [InlineData("$server = New-IpcSocket $place/s -Type SeqPacket; Open-IpcObject unix:$place/s", "IpcWrongKind",
        ErrorCategory.InvalidOperation, "The socket at 'unix:{0}/s' is of another type.")]
    [InlineData("$server = New-IpcSocket $place/s; 1 | Send-IpcMessage $server", "IpcNotSupported", ErrorCategory.InvalidOperation,
        "'unix:{0}/s' is a listener: it has no peer to send to.")]
    [InlineData("$server = New-IpcSocket $place/s; Invoke-IpcRequest $server 1", "IpcNotSupported", ErrorCategory.InvalidOperation,
        "(unix stream listener) has no return path for a reply.")]
    [InlineData("Invoke-IpcRequest fifo:none 1", "IpcNotFound", ErrorCategory.ObjectNotFound, "fifo:none")]
    [InlineData("$server = New-IpcSocket $place/s; Receive-IpcMessage $server -Type 4", "IpcNotSupported", ErrorCategory.InvalidOperation,
        "This unix stream listener has no message types and no peeking.")]
    [InlineData("$server = New-IpcSocket $place/s?type=seqpacket; 1 | Send-IpcMessage $server.Address -Priority 4", "IpcNotSupported",
        ErrorCategory.InvalidOperation, "This unix seqpacket socket has no message types and priorities.")]
    [InlineData("$server = New-IpcSocket $place/s; Receive-IpcMessage $server -Count 0", "IpcInvalidArgument",
        ErrorCategory.InvalidArgument, "-Count must be 1 or more, and is 0.")]
    [InlineData("$server = New-IpcSocket $place/s; $client = Open-IpcObject $server.Address; Receive-IpcMessage $client -Connection",
        "IpcNotSupported", ErrorCategory.InvalidOperation, "-Connection takes one listener of stream or seqpacket sockets.")]
    [InlineData("$server = New-IpcSocket udp:127.0.0.1:0; Receive-IpcMessage $server -Connection", "IpcNotSupported",
        ErrorCategory.InvalidOperation, "-Connection takes one listener of stream or seqpacket sockets.")]
    [InlineData("$server = New-IpcSocket udp:127.0.0.1:0; 1 | Send-IpcMessage $server", "IpcNotSupported", ErrorCategory.InvalidOperation,
        "is a listener: it only sends replies")]
    [InlineData("$server = New-IpcSocket $place/s; $client = Open-IpcObject $server.Address; Close-IpcObject $client; "
        + "1 | Send-IpcMessage $client", "IpcClosed", ErrorCategory.InvalidOperation, "'unix:{0}/s'")]
    [InlineData("$server = New-IpcSocket $place/s; $client = Open-IpcObject $server.Address; "
        + "Receive-IpcMessage $server -Connection | Close-IpcObject; 1 | Send-IpcMessage $client", "IpcPeerClosed",
            ErrorCategory.ConnectionError, "The peer of 'unix:{0}/s' has closed: nothing can be sent to it.")]
    [InlineData("$server = New-IpcSocket $place/s; $client = Open-IpcObject $server.Address; "
        + "Receive-IpcMessage $server -Connection | Close-IpcObject; Invoke-IpcRequest $client 1", "IpcPeerClosed",
            ErrorCategory.ConnectionError, "The peer of 'unix:{0}/s' ")]
    [InlineData("$server = New-IpcSocket $place/s; Invoke-IpcRequest $server.Address 1 -Timeout 0.05", "IpcTimeout",
        ErrorCategory.OperationTimeout, "Waited 0.05 s for the reply to a request on 'unix:{0}/s'.")]
    [InlineData("Set-IpcObject ($server = New-IpcSocket $place/s) -Mode 660", "IpcNotSupported", ErrorCategory.InvalidOperation,
        "(unix stream listener) has no owner, group or mode.")]
    [InlineData("Remove-IpcObject tcp:127.0.0.1:9", "IpcNotSupported", ErrorCategory.InvalidOperation, "tcp:127.0.0.1:9")]
    public void Errors_have_their_id_and_category_and_say_what_is_wrong(string script, string id, ErrorCategory category, string text)
    {
        File.WriteAllText(Path.Combine(_place.Folder, "file"), "precious");
        // A path alone is no address; New-IpcSocket takes one as the name of a unix socket.
        var error = _session.Run("$place = $args[0]; " + script, _place.Folder).Error();
        Assert.StartsWith(id + ",", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.Equal(category, error.CategoryInfo.Category);
        Assert.Contains(string.Format(CultureInfo.InvariantCulture, text, _place.Folder), error.Exception.Message,
            StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(Path.Combine(_place.Folder, "file")));
    }

    [Fact]
    public void What_if_listens_nowhere()
    {
        Assert.Empty(_session.Run("New-IpcSocket $args[0] -WhatIf", _place.Address("path")).NoErrors().Output);
        Assert.False(Path.Exists(_place.Address("path")[5..]));
    }
}
