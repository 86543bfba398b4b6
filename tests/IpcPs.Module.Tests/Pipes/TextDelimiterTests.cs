using Xunit;

namespace IpcPs.Module.Tests.Pipes;

/// <summary>Texts that end with another delimiter than a line feed, or that have several lines.</summary>
public sealed class TextDelimiterTests : IDisposable
{
    private readonly ModuleSession _session = new();

    public void Dispose()
    {
        _session.Run("Close-IpcObject $client, $server, $pipe");
        _session.Dispose();
    }

    [Fact]
    public void A_message_that_ends_with_NUL_is_answered_in_the_same_way()
    {
        var result = _session.Run(
            """
            $server = New-IpcSocket "unix:@test-$([guid]::NewGuid().ToString('n'))"
            $client = Open-IpcObject $server.Address
            "{`"a`":`n1}" | Send-IpcMessage $client -Format Text -Delimiter Nul
            $message = Receive-IpcMessage $server -Format Json -Delimiter Nul -Envelope -Timeout 60
            $message.Body.a, "$($message.Delimiter)"
            @{ b = 2 } | Send-IpcMessage -ReplyTo $message
            [Text.Encoding]::UTF8.GetString((Receive-IpcMessage $client -Format Bytes -Timeout 60))
            """);
        Assert.Equal([1L, "Nul", "{\"b\":2}\0"], result.NoErrors().Values);
    }

    [Fact]
    public void The_error_for_several_lines_says_how_they_are_sent_as_they_are()
    {
        var result = _session.Run(
            """
            $pipe = New-IpcPipe
            "one`ntwo`n" | Send-IpcMessage $pipe -Format Text
            "one`ntwo`n" | Send-IpcMessage $pipe -Format Bytes
            Receive-IpcMessage $pipe -Count 2 -NoWait
            """);
        Assert.Equal(["one", "two"], result.Values);
        var error = Assert.Single(result.Errors);
        Assert.StartsWith("IpcInvalidArgument,", error.FullyQualifiedErrorId, StringComparison.Ordinal);
        Assert.EndsWith("Use Send-IpcMessage -Format Bytes, or -Delimiter Nul where the receiver expects that.",
            error.ErrorDetails.RecommendedAction, StringComparison.Ordinal);
    }
}
