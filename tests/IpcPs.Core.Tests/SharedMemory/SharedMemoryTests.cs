using System.Globalization;
using System.Text;
using IpcPs.Linux;
using IpcPs.Mechanisms;
using IpcPs.SharedMemory;
using IpcPs.Signals;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.SharedMemory;

public sealed partial class SharedMemoryTests : IDisposable
{
    private readonly List<IpcAddress> _made = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-memory-").FullName;

    public static TheoryData<string> Kinds => ["shm", "file", "memfd", "sysvshm"];

    public void Dispose()
    {
        foreach (var address in _made)
        {
            try
            {
                IpcMechanisms.For(address.Scheme).Remove(address);
            }
            catch (IpcException)
            {
                // Removed by the test.
            }
        }
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_write_is_visible_in_another_mapping(string kind)
    {
        using var mine = Create(kind, 10_000);
        using var other = (SharedMemorySegment)IpcMechanisms.Open(mine.Address);
        Assert.Equal(10_000, other.Size);
        Assert.False(other.IsReadOnly);
        Assert.Equal(0, other[9_999]);
        mine[9_999] = 7;
        Assert.Equal(7, other[9_999]);
        other.Write(16, Math.PI);
        Assert.Equal(Math.PI, mine.Read<double>(16));
        other.Write<long>(3, [1, -2, long.MaxValue]);
        var read = new long[3];
        mine.Read(3, read.AsSpan());
        Assert.Equal([1, -2, long.MaxValue], read);
        mine.Write(100, 3.14159265358979323846264338m);
        Assert.Equal(3.14159265358979323846264338m, other.Read<decimal>(100));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Access_outside_of_the_memory_is_refused_with_its_size(string kind)
    {
        using var memory = Create(kind, 100);
        foreach (var access in new Action[]
        {
            () => _ = memory[100], () => _ = memory[-1], () => memory[long.MaxValue] = 1, () => memory.Read<long>(93),
            () => memory.Write(97, 1), () => memory.Write<byte>(50, new byte[51]), () => memory.Read(long.MinValue, new byte[1].AsSpan()),
            () => memory.Add(100, 1), () => memory.Add(96, 1L), () => memory.Fill(0, 101, 0), () => memory.Fill(1, long.MaxValue, 0),
            () => memory.AsSpan(0, 101).Dispose(), () => memory.AsSpan(101).Dispose(), () => memory.ReadText(99, 2),
            () => memory.WriteText(98, "abc"), () => memory.WaitForChange(100, 0), () => memory.Wake(-4), () => memory.IndexOf(0, 0, 101),
        })
        {
            var error = Assert.Throws<IpcException>(access);
            Assert.Equal(IpcErrors.OutOfRange, error.Id);
            Assert.Contains("100 bytes", error.Message, StringComparison.Ordinal);
        }
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => memory.Add(2, 1)).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => memory.Exchange(4, 1L)).Id);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Reading_only_is_enforced_by_the_mapping(string kind)
    {
        using var mine = Create(kind, 4096);
        mine[1] = 42;
        using var other = (SharedMemorySegment)IpcMechanisms.Open(mine.Address, new OpenOptions { Access = IpcAccess.Read });
        Assert.True(other.IsReadOnly);
        Assert.Equal(42, other[1]);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => other[1] = 1).Id);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => other.Add(0, 1)).Id);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => other.AsSpan().Dispose()).Id);
        using var view = other.AsReadOnlySpan();
        Assert.Equal(42, view.Span[1]);
        // The pages are read-only, so the kernel cannot write there either.
        Assert.Equal(Errno.EFAULT, ReadInto(other));
    }

    [Theory]
    [InlineData("shm")]
    [InlineData("file")]
    [InlineData("sysvshm")]
    public void It_is_created_once_and_exists_until_it_is_removed(string kind)
    {
        IpcAddress address;
        using (var memory = Create(kind, 4096))
        {
            address = memory.Address;
            memory.WritePrefixedText(0, "still here");
            Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => Create(address, 4096)).Id);
        }
        using (var again = (SharedMemorySegment)IpcMechanisms.Open(address))
        {
            Assert.Equal("still here", again.ReadPrefixedText(0));
            IpcMechanisms.For(address.Scheme).Remove(address);
            Assert.Equal("still here", again.ReadPrefixedText(0));
        }
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => IpcMechanisms.Open(address)).Id);
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => IpcMechanisms.For(address.Scheme).Remove(address)).Id);
    }

    [Theory]
    [InlineData("shm")]
    [InlineData("file")]
    [InlineData("sysvshm")]
    [InlineData("memfd")]
    public void The_umask_does_not_change_the_mode(string kind)
    {
        var previous = Umask.Set(0x3F /* 077 */);
        try
        {
            using var open = Create(kind, 100, (UnixFileMode)0x1B6 /* 0666 */);
            Assert.Equal((UnixFileMode)0x1B6, open.Mode);
            using var closed = Create(kind, 100);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, closed.Mode);
        }
        finally
        {
            _ = Umask.Set(previous);
        }
    }

    [Theory]
    [InlineData("shm")]
    [InlineData("file")]
    [InlineData("memfd")]
    public void It_grows_and_other_mappings_see_it(string kind)
    {
        using var mine = Create(kind, 5000);
        using var other = (SharedMemorySegment)IpcMechanisms.Open(mine.Address);
        mine[4999] = 5;
        mine.Resize(50_000);
        mine[49_999] = 9;
        Assert.Equal(5000, other.Size);
        Assert.Equal(9, other[49_999]);
        Assert.Equal(50_000, other.Size);
        Assert.Equal(5, other[4999]);
        if (kind == "memfd")
        {
            Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => mine.Resize(100)).Id);
            return;
        }
        mine.Resize(100);
        Assert.Equal(100, mine.Size);
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => mine[100]).Id);
        // The other mapping still has 50000 bytes. Access to what is lost is an error and does not end the process.
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => other[49_999]).Id);
        Assert.Equal(100, other.Size);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => mine.Resize(0)).Id);
        Assert.Equal(IpcErrors.LimitReached, Assert.Throws<IpcException>(() => mine.Resize(long.MaxValue)).Id);
        Assert.Equal(100, mine.Refresh());
    }

    [Fact]
    public void A_System_V_segment_has_its_creator_and_does_not_grow()
    {
        using var memory = (SysVSharedMemory)Create("sysvshm", 100);
        Assert.Equal(1, memory.AttachCount);
        Assert.Equal(Environment.ProcessId, memory.CreatorId);
        Assert.Equal(Environment.ProcessId, memory.LastProcessId);
        using (var again = IpcMechanisms.Open(memory.Address)) Assert.Equal(2, memory.AttachCount);
        Assert.Equal(1, memory.AttachCount);
        Assert.False(memory.IsRemoved);
        Assert.Equal(IpcErrors.NotSupported, Assert.Throws<IpcException>(() => memory.Resize(200)).Id);
        IpcMechanisms.For(IpcScheme.SysVShm).Remove(memory.Address);
        Assert.True(memory.IsRemoved);
    }

    [Fact]
    public void A_private_System_V_segment_is_found_by_its_id()
    {
        using var memory = SysVSharedMemory.Create(null, 100);
        _made.Add(memory.Address);
        Assert.Equal($"sysvshm:id={memory.Id}", memory.Address.Text);
        memory[5] = 6;
        using var again = (SharedMemorySegment)IpcMechanisms.Open(memory.Address);
        Assert.Equal(6, again[5]);
        Assert.Contains(memory.Address, IpcMechanisms.For(IpcScheme.SysVShm).Known());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Impossible_sizes_are_refused(string kind)
    {
        foreach (var size in new[] { 0, -1, long.MinValue })
            Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => Create(kind, size)).Id);
        foreach (var size in new[] { long.MaxValue, 1L << 60 })
        {
            var error = Assert.Throws<IpcException>(() => Create(kind, size));
            Assert.Equal(IpcErrors.LimitReached, error.Id);
            Assert.NotNull(error.RecommendedAction);
        }
        Assert.DoesNotContain(IpcMechanisms.For(IpcScheme.Shm).Known(), a => _made.Contains(a));
    }

    [Fact]
    public void A_sparse_file_larger_than_the_memory_works()
    {
        var address = IpcAddress.Parse($"file:{_folder}/huge");
        _made.Add(address);
        using var memory = MappedFile.Create(address, 8L << 30, sparse: true);
        memory[(8L << 30) - 1] = 1;
        memory.Write(5L << 30, 12345);
        Assert.Equal(12345, memory.Read<int>(5L << 30));
        using var other = (SharedMemorySegment)IpcMechanisms.Open(address);
        Assert.Equal(1, other[(8L << 30) - 1]);
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => other[8L << 30]).Id);
    }

    [Fact]
    public void A_file_that_is_not_memory_is_refused()
    {
        File.WriteAllText($"{_folder}/empty", "");
        Directory.CreateDirectory($"{_folder}/directory");
        Assert.Equal(0, Libc.mkfifo($"{_folder}/fifo", 0x180));
        static void Fails(IpcErrorId id, string address) =>
            Assert.Equal(id, Assert.Throws<IpcException>(() => IpcMechanisms.Open(IpcAddress.Parse(address))).Id);
        Fails(IpcErrors.InvalidOperation, $"file:{_folder}/empty");
        foreach (var name in new[] { $"{_folder}/directory", $"{_folder}/fifo", "/dev/null" })
        {
            var address = IpcAddress.Parse("file:" + name);
            Fails(IpcErrors.WrongKind, address.Text);
            Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcMechanisms.For(IpcScheme.File).Remove(address)).Id);
        }
        Fails(IpcErrors.NotFound, "memfd:4194304/3");
        using var file = File.OpenHandle($"{_folder}/empty");
        Fails(IpcErrors.WrongKind, $"memfd:{Environment.ProcessId}/{file.DangerousGetHandle()}");
    }

    [Fact]
    public void Text_has_three_forms()
    {
        using var memory = Create("memfd", 64);
        Assert.Equal(10, memory.WritePrefixedText(0, "héllo"));
        Assert.Equal("héllo", memory.ReadPrefixedText(0));
        Assert.Equal(6, memory.Read<int>(0));
        Assert.Equal(7, memory.WriteTerminatedText(16, "héllo"));
        Assert.Equal("héllo", memory.ReadTerminatedText(16));
        Assert.Equal(20, memory.WriteText(32, "héllo", 20));
        Assert.Equal("héllo", memory.ReadText(32, 20));
        Assert.Equal(0, memory.WriteText(64, ""));
        Assert.Equal("", memory.ReadText(64, 0));
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => memory.WriteText(0, "héllo", 5)).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => memory.WriteTerminatedText(0, "a\0b")).Id);
        memory.Fill(0, 64, (byte)'x');
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => memory.ReadTerminatedText(0)).Id);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => memory.ReadPrefixedText(0)).Id);
        memory.Write(0, -1);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => memory.ReadPrefixedText(0)).Id);
    }

    [Fact]
    public void A_stream_reads_writes_and_ends_at_the_size()
    {
        using var memory = Create("memfd", 10);
        using var stream = memory.AsStream();
        stream.Write("0123456789"u8);
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => stream.WriteByte(1)).Id);
        stream.Seek(-3, SeekOrigin.End);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        Assert.Equal("789", reader.ReadToEnd());
    }

    [Fact]
    public async Task Atomic_additions_of_several_threads_lose_nothing()
    {
        using var memory = Create("memfd", 64);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                memory.Add(0, 1);
                memory.Add(8, 1L);
            }
        })));
        Assert.Equal(40_000, memory.Read<int>(0));
        Assert.Equal(40_000, memory.Exchange(8, 5L));
        Assert.Equal(5L, memory.CompareExchange(8, 6L, 4L));
        Assert.Equal(5L, memory.CompareExchange(8, 6L, 5L));
        Assert.Equal(6L, memory.Read<long>(8));
        Assert.Equal(40_000, memory.Exchange(0, -1));
        Assert.Equal(-1, memory.CompareExchange(0, 7, -1));
    }

    [Fact]
    public async Task A_wait_for_a_value_ends_by_a_change_a_deadline_or_a_close()
    {
        using var memory = Create("shm", 64);
        using var other = (SharedMemorySegment)IpcMechanisms.Open(memory.Address, new OpenOptions { Access = IpcAccess.Read });
        Assert.Null(other.WaitForChange(4, 0, Deadline.After(TimeSpan.FromMilliseconds(10))));
        Assert.Equal(0, other.WaitForChange(4, 1));
        var waiting = Task.Run(() => other.WaitForChange(4, 0));
        memory.Exchange(4, 99);
        memory.Wake(4);
        Assert.Equal(99, await waiting);
        var closed = Task.Run(() => other.WaitForChange(4, 99));
        other.Dispose();
        Assert.Equal(IpcErrors.Closed, (await Assert.ThrowsAsync<IpcException>(() => closed)).Id);
    }

    [Fact]
    public async Task Closing_and_resizing_while_others_read_is_safe()
    {
        for (var round = 0; round < 20; round++)
        {
            var memory = Create("memfd", 1 << 20);
            using var started = new CountdownEvent(2);
            var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                var buffer = new byte[1 << 20];
                started.Signal();
                while (true) memory.Read(0, buffer.AsSpan());
            })).ToArray();
            started.Wait();
            for (var grow = 2; grow < 6; grow++) memory.Resize(grow << 20);
            memory.Dispose();
            foreach (var reader in readers)
                Assert.Equal(IpcErrors.Closed, (await Assert.ThrowsAsync<IpcException>(() => reader)).Id);
        }
    }

    [Fact]
    public void A_span_outlives_the_close()
    {
        var memory = Create("memfd", 100);
        using var view = memory.AsSpan();
        memory.Dispose();
        view.Span[50] = 1;
        Assert.True(view.IsIntact);
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(() => memory[0]).Id);
    }

    [Needs("gcc")]
    public void Truncation_by_another_process_is_an_error_and_does_not_end_this_one()
    {
        using var memory = Create("shm", 1 << 20);
        const string Program = """
            #include <fcntl.h>
            #include <sys/mman.h>
            #include <unistd.h>
            int main(int argc, char **argv) { return ftruncate(shm_open(argv[1], O_RDWR, 0), 4096); }
            """;
        var whole = new byte[1 << 20];
        Peer.RunC(Program, "/" + memory.Address.Name);
        var error = Assert.Throws<IpcException>(() => memory.Read(0, whole.AsSpan()));
        Assert.Equal(IpcErrors.OutOfRange, error.Id);
        Assert.Contains("4096", error.Message, StringComparison.Ordinal);
        Assert.Equal(4096, memory.Size);
        memory[4095] = 1;
    }

    private SharedMemorySegment Create(string kind, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        var unique = Guid.NewGuid().ToString("N");
        if (kind == "memfd") return AnonymousMemory.Create(size, mode);
        var address = IpcAddress.Parse(kind switch
        {
            "shm" => $"shm:/ipcps-test-{unique}",
            "file" => $"file:{_folder}/{unique}",
            _ => $"sysvshm:0x{(int)(uint.Parse(unique[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture) | 1):x}",
        });
        return Create(address, size, mode);
    }

    private SharedMemorySegment Create(IpcAddress address, long size, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        SharedMemorySegment made = address.Scheme switch
        {
            IpcScheme.Shm => PosixSharedMemory.Create(address, size, mode),
            IpcScheme.File => MappedFile.Create(address, size, mode),
            _ => SysVSharedMemory.Create(address, size, mode),
        };
        _made.Add(address);
        return made;
    }

    // The kernel writes into the mapping, which fails as a store would, but does not end the process.
    private static unsafe int ReadInto(SharedMemorySegment memory)
    {
        using var zero = new SafeDescriptor(Libc.open("/dev/zero", Libc.O_RDONLY | Libc.O_CLOEXEC, 0));
        using var view = memory.AsReadOnlySpan();
        fixed (byte* at = view.Span)
            return Libc.read(zero, at, 1) < 0 ? System.Runtime.InteropServices.Marshal.GetLastPInvokeError() : 0;
    }
}
