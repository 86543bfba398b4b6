using System.Globalization;
using IpcPs.Files;
using IpcPs.Linux;
using Xunit;

namespace IpcPs.Tests.Files;

public sealed class RemovalWatchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-removal-").FullName;
    private readonly List<SafeDescriptor> _files = [];

    [Fact]
    public void A_removal_whose_event_the_kernel_dropped_is_noticed()
    {
        using var busy = Watch("busy");
        using var lost = Watch("lost");
        using var one = Watch("one");
        using var other = Watch("other");
        using var isBusy = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        using var noticed = new ManualResetEventSlim();
        busy.Removed.Register(() =>
        {
            isBusy.Set();
            goOn.Wait(TimeSpan.FromMinutes(1));
        });
        lost.Removed.Register(noticed.Set);
        // The thread that reads the events is kept in a callback. Meanwhile the kernel's queue of events is filled: two files in turn, as
        // equal events in a row are one.
        File.Delete(PathOf("busy"));
        Assert.True(isBusy.Wait(TimeSpan.FromMinutes(1)));
        var most = int.Parse(File.ReadAllText("/proc/sys/fs/inotify/max_queued_events"), CultureInfo.InvariantCulture);
        for (var i = 0; i <= most; i++) _ = Libc.fchmod(_files[2 + (i & 1)], 0x180);
        File.Delete(PathOf("lost"));
        goOn.Set();
        Assert.True(noticed.Wait(TimeSpan.FromMinutes(1)));
        Assert.True(lost.IsRemoved);
        Assert.False(one.IsRemoved || other.IsRemoved);
    }

    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private RemovalWatch Watch(string name)
    {
        _files.Add(new SafeDescriptor(Libc.open(PathOf(name), Libc.O_CREAT | Libc.O_RDWR | Libc.O_CLOEXEC, 0x180)));
        return new RemovalWatch(_files[^1]);
    }
}
