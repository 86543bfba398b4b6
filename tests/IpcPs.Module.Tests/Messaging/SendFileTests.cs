using System.Security.Cryptography;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Module.Tests.Messaging;

/// <summary>Send-IpcMessage -Path: the bytes of files, in parts.</summary>
public sealed class SendFileTests : IDisposable
{
    private readonly ModuleSession _session = new();
    private readonly string _name = $"file-{Environment.ProcessId}-{Guid.NewGuid():n}";
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-").FullName;
    private readonly byte[] _bytes = RandomNumberGenerator.GetBytes(300_000);

    public SendFileTests()
    {
        File.WriteAllBytes(Path.Combine(_folder, "a[1].bin"), _bytes);
        File.WriteAllBytes(Path.Combine(_folder, "b.bin"), _bytes[..20_000]);
        File.WriteAllBytes(Path.Combine(_folder, "empty"), []);
        _session.Run("Set-Location -LiteralPath $args[0]", _folder).NoErrors();
    }

    public void Dispose()
    {
        _session.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_program_reads_from_a_pipe_exactly_the_bytes_of_the_files()
    {
        var result = _session.Run("""
            $pipe = New-IpcPipe $args[0]
            try {
                $job = Start-IpcJob { (sha256sum $args[0]).Split(' ')[0] } -ArgumentList $pipe.Path
                Send-IpcMessage $pipe -LiteralPath 'a[1].bin', b.bin, empty -Close
                Receive-Job $job -Wait -AutoRemoveJob
            }
            finally { Remove-IpcObject $pipe -Confirm:$false }
            """, _name).NoErrors();
        var expected = Convert.ToHexString(SHA256.HashData([.. _bytes, .. _bytes[..20_000]])).ToLowerInvariant();
        Assert.Equal([expected], result.Values);
    }

    [Fact]
    public void A_large_file_needs_no_more_memory_than_a_small_one()
    {
        using (var large = File.Create(Path.Combine(_folder, "large"))) large.SetLength(64 << 20);
        var result = _session.Run("""
            $pipe = New-IpcPipe $args[0]
            try {
                $job = Start-IpcJob { wc -c $args[0] } -ArgumentList $pipe.Path
                $before = [GC]::GetAllocatedBytesForCurrentThread()
                Send-IpcMessage $pipe -Path large -Close
                [GC]::GetAllocatedBytesForCurrentThread() - $before
                Receive-Job $job -Wait -AutoRemoveJob
            }
            finally { Remove-IpcObject $pipe -Confirm:$false }
            """, _name).NoErrors();
        Assert.InRange((long)result.Values[0]!, 0, 8 << 20);
        Assert.StartsWith("67108864 ", (string)result.Values[1]!, StringComparison.Ordinal);
    }

    [Fact]
    public void A_queue_carries_a_file_in_messages_of_its_size()
    {
        var result = _session.Run("""
            $queue = New-IpcQueue $args[0]
            try {
                Send-IpcMessage $queue -Path ./?.bin, emp*
                Receive-IpcMessage $queue -Format Bytes -All -NoWait | ForEach-Object { , $_ }
            }
            finally { Remove-IpcObject $queue -Confirm:$false }
            """, _name).NoErrors();
        var parts = result.Values.Cast<byte[]>().ToArray();
        Assert.Equal([8192, 8192, 3616], parts.Select(static p => p.Length));
        Assert.Equal(_bytes[..20_000], parts.SelectMany(static p => p));
    }

    [Theory]
    [InlineData("-Path none.bin", "IpcNotFound", "There is no file 'none.bin'.")]
    [InlineData("-Path *.none", "IpcNotFound", "There is no file '*.none'.")]
    [InlineData("-LiteralPath a[1]", "IpcNotFound", "There is no file 'a[1]'.")]
    [InlineData("-LiteralPath .", "IpcInvalidArgument", "'.' is a folder, not a file.")]
    [InlineData("-Path Env:/PATH", "IpcInvalidArgument", "'Env:/PATH' is not a path of the file system.")]
    [InlineData("-Path b.bin -Format Json", "IpcInvalidArgument", "The bytes of a file are sent as they are. -Format Json is for objects.")]
    public void What_cannot_be_sent_is_said_before_anything_is_sent(string arguments, string id, string message)
    {
        var result = _session.Run($$"""
            $queue = New-IpcQueue $args[0]
            try { Send-IpcMessage $queue {{arguments}} } catch { "$($_.FullyQualifiedErrorId)"; "$_" }
            $queue.CurrentMessages
            Remove-IpcObject $queue -Confirm:$false
            """, _name);
        Assert.Equal([$"{id},IpcPs.Module.Commands.Messaging.SendIpcMessageCommand", message, 0L],
            result.Values.Select(static v => v is int number ? (long)number : v));
    }

    [Fact]
    public void The_first_part_that_does_not_arrive_ends_the_command()
    {
        var result = _session.Run("""
            $queue = New-IpcQueue $args[0] -MaxMessages 2
            try { Send-IpcMessage $queue -Path b.bin -NoWait } catch { ($_.FullyQualifiedErrorId -split ',')[0] }
            $queue.CurrentMessages
            Remove-IpcObject $queue -Confirm:$false
            """, _name);
        Assert.Equal(["IpcQueueFull", 2L], result.Values.Select(static v => v is int number ? (long)number : v));
    }
}
