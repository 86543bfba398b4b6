using IpcPs.Linux;
using IpcPs.SharedMemory;
using Xunit;

namespace IpcPs.Tests.SharedMemory;

public class SigbusGuardTests
{
    [Fact]
    public unsafe void Access_to_a_truncated_file_marks_the_region_and_does_not_end_the_process()
    {
        if (!SigbusGuard.IsActive) return; // the size is checked before each access instead
        using var memory = new SafeDescriptor(Libc.memfd_create("guard", Libc.MFD_CLOEXEC));
        Assert.Equal(0, Libc.ftruncate(memory, 3 * 4096));
        using var region = MappedRegion.Map(memory, 3 * 4096, isReadOnly: false, null);
        using var hold = region.Enter();
        hold.Start[0] = 1;
        hold.Start[2 * 4096] = 2;
        Assert.False(region.WasCut);

        Assert.Equal(0, Libc.ftruncate(memory, 4096));
        Assert.Equal(1, hold.Start[0]);
        Assert.False(region.WasCut);
        Assert.Equal(0, hold.Start[2 * 4096]);
        Assert.True(region.WasCut);
        hold.Start[2 * 4096 + 1] = 3;
        hold.Start[4096] = 4;
        Assert.Equal(1, hold.Start[0]);
    }

    [Fact]
    public unsafe void A_region_mapped_for_reading_survives_as_well()
    {
        if (!SigbusGuard.IsActive) return;
        using var memory = new SafeDescriptor(Libc.memfd_create("guard", Libc.MFD_CLOEXEC));
        Assert.Equal(0, Libc.ftruncate(memory, 8192));
        using var region = MappedRegion.Map(memory, 8192, isReadOnly: true, null);
        using var hold = region.Enter();
        Assert.Equal(0, Libc.ftruncate(memory, 0));
        var bytes = new byte[8192];
        new ReadOnlySpan<byte>(hold.Start, 8192).CopyTo(bytes);
        Assert.True(region.WasCut);
    }

    [Fact]
    public void A_region_is_no_longer_guarded_after_its_end()
    {
        using var memory = new SafeDescriptor(Libc.memfd_create("guard", Libc.MFD_CLOEXEC));
        Assert.Equal(0, Libc.ftruncate(memory, 4096));
        for (var i = 0; i < 10_000; i++)
        {
            using var region = MappedRegion.Map(memory, 4096, isReadOnly: false, null);
            Assert.Equal(SigbusGuard.IsActive, region.IsGuarded);
        }
    }
}
