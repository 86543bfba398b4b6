using Xunit;

namespace IpcPs.Module.Tests.SharedMemory;

public sealed class FullShmTests
{
    [SmallShmFact]
    public void A_full_dev_shm_is_an_error_at_New_that_names_it_and_leaves_nothing()
    {
        var output = Run("""
            try { New-IpcSharedMemory big -Size 2MB -ErrorAction Stop }
            catch { $_.FullyQualifiedErrorId; $_.Exception.Message; $_.ErrorDetails.RecommendedAction }
            $m = New-IpcSharedMemory fits -Size 512KB; $m.Size
            try { $m.Resize(2MB) } catch { $_.Exception.InnerException.Id.Name }
            $m.Size; [IO.Directory]::GetFiles('/dev/shm').Length
            """);
        Assert.Contains("IpcLimitReached,", output, StringComparison.Ordinal);
        Assert.Contains("/dev/shm has 1048576 of 1048576 bytes free", output, StringComparison.Ordinal);
        Assert.Contains("remount,size", output, StringComparison.Ordinal);
        Assert.EndsWith("524288\nIpcLimitReached\n524288\n1\n", output, StringComparison.Ordinal);
    }

    [SmallShmFact]
    public void Sparse_memory_that_cannot_be_allocated_is_an_error_and_does_not_end_the_process()
    {
        var output = Run("""
            $m = New-IpcSharedMemory sparse -Size 8MB -Sparse
            Write-IpcSharedMemory $m 1 -Offset 8000000
            try { Write-IpcSharedMemory $m ([byte[]]::new(4MB)) -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }
            Read-IpcSharedMemory $m -As Int32 -Offset 8000000
            """);
        Assert.StartsWith("IpcOutOfRange,", output, StringComparison.Ordinal);
        Assert.EndsWith("\n1\n", output, StringComparison.Ordinal);
    }

    [SmallShmFact]
    public void A_semaphore_without_space_is_an_error_too()
    {
        var output = Run("""
            $null = New-IpcSharedMemory all -Size 1MB
            try { New-IpcSemaphore one -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }
            [IO.Directory]::GetFiles('/dev/shm').Length
            """);
        Assert.StartsWith("IpcLimitReached,", output, StringComparison.Ordinal);
        Assert.EndsWith("\n1\n", output, StringComparison.Ordinal);
    }

    private static string Run(string script)
    {
        var arguments = string.Join(' ', Shell.ScriptArguments(script));
        return SmallShmFactAttribute.Run($"NO_COLOR=1 PSModulePath= '{Shell.Pwsh.Path}' {arguments}");
    }
}
