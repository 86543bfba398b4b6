using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.SharedMemory;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Locks;

/// <summary>All kinds of locks, and mutexes.</summary>
public sealed partial class LockTests : IDisposable
{
    private readonly List<IpcAddress> _made = [];

    public static TheoryData<string> Kinds => ["sem", "sysvsem", "mutex"];

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
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_lock_that_is_held_is_waited_for_until_the_timeout(string kind)
    {
        using var mine = Create(kind);
        using var other = Open(mine);
        mine.Acquire();
        Assert.Equal(IpcErrors.Locked, Assert.Throws<IpcException>(() => other.Acquire(Deadline.Immediate)).Id);
        var error = Assert.Throws<IpcException>(() => other.Acquire(Deadline.After(TimeSpan.FromMilliseconds(30))));
        Assert.Equal(IpcErrors.Timeout, error.Id);
        Assert.Contains("0.03 s", error.Message, StringComparison.Ordinal);
        Assert.Contains(mine.Address.Text, error.Message, StringComparison.Ordinal);
        mine.Release();
        other.Acquire(Deadline.Immediate);
        other.Release();
        mine.Acquire(Deadline.Immediate);
        mine.Release();
        Assert.False(mine.OwnerDied);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_wait_ends_by_a_release_a_cancellation_or_a_close(string kind)
    {
        using var mine = Create(kind);
        mine.Acquire();
        using var waiter = Open(mine);
        var waiting = Task.Run(() => waiter.Acquire());
        mine.Release();
        await waiting;

        using var cancel = new CancellationTokenSource();
        using var cancelled = Open(mine);
        using var begun = new ManualResetEventSlim();
        var task = Task.Run(() =>
        {
            begun.Set();
            cancelled.Acquire(default, cancel.Token);
        });
        begun.Wait();
        cancel.Cancel();
        await Assert.ThrowsAsync<OperationCanceledException>(() => task);

        var closed = Open(mine);
        begun.Reset();
        task = Task.Run(() =>
        {
            begun.Set();
            closed.Acquire();
        });
        begun.Wait();
        closed.Dispose();
        Assert.Equal(IpcErrors.Closed, (await Assert.ThrowsAsync<IpcException>(() => task)).Id);
        waiter.Release();
        mine.Acquire(Deadline.Immediate);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_is_created_once_and_exists_until_it_is_removed(string kind)
    {
        var mine = Create(kind);
        var address = mine.Address;
        Assert.Equal(IpcErrors.AlreadyExists, Assert.Throws<IpcException>(() => Create(address)).Id);
        Assert.Contains(address, IpcMechanisms.For(address.Scheme).Known());
        mine.Dispose();
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(() => mine.Acquire()).Id);
        Assert.Equal(IpcErrors.Closed, Assert.Throws<IpcException>(() => mine.Release()).Id);
        IpcMechanisms.Open(address).Dispose();
        IpcMechanisms.For(address.Scheme).Remove(address);
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => IpcMechanisms.Open(address)).Id);
        Assert.Equal(IpcErrors.NotFound, Assert.Throws<IpcException>(() => IpcMechanisms.For(address.Scheme).Remove(address)).Id);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_has_the_requested_mode(string kind)
    {
        using var open = Create(kind, (UnixFileMode)0x1B6 /* 0666 */);
        Assert.Equal((UnixFileMode)0x1B6, open.Mode);
        using var closed = Create(kind);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, closed.Mode);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_counter_under_the_lock_is_exact_for_threads_with_one_object_and_with_several(string kind)
    {
        using var shared = Create(kind);
        var counter = 0;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(n => Task.Run(() =>
        {
            using var own = n % 2 == 0 ? Open(shared) : null;
            for (var i = 0; i < 500; i++)
            {
                (own ?? shared).Acquire();
                counter++;
                (own ?? shared).Release();
            }
        })));
        Assert.Equal(3000, counter);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_counter_under_the_lock_is_exact_for_eight_processes(string kind)
    {
        if (!Peer.Has("gcc")) return;
        const string Program = """
            #define _GNU_SOURCE
            #include <fcntl.h>
            #include <semaphore.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/file.h>
            #include <sys/mman.h>
            #include <sys/sem.h>
            int main(int argc, char **argv) {
                volatile long *counter = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shm_open(argv[1], O_RDWR, 0), 0);
                const char *kind = argv[2];
                sem_t *s = 0; int id = 0, fd = 0;
                if (!strcmp(kind, "sem") && (s = sem_open(argv[3], 0)) == SEM_FAILED) return 1;
                if (!strcmp(kind, "sysvsem") && (id = semget((key_t)strtoul(argv[3], 0, 0), 0, 0)) < 0) return 2;
                if (!strcmp(kind, "mutex") && (fd = open(argv[3], O_RDWR)) < 0) return 3;
                puts("ready"); fflush(stdout); getchar();
                for (int i = 0; i < 2000; i++) {
                    struct sembuf take = { 0, -1, SEM_UNDO }, give = { 0, 1, SEM_UNDO };
                    if (s) sem_wait(s); else if (fd) flock(fd, LOCK_EX); else semop(id, &take, 1);
                    long seen = *counter; *counter = seen + 1;
                    if (s) sem_post(s); else if (fd) flock(fd, LOCK_UN); else semop(id, &give, 1);
                }
                return 0;
            }
            """;
        using var mine = Create(kind);
        var memory = IpcAddress.Parse($"shm:/ipcps-test-{Guid.NewGuid():N}");
        _made.Add(memory);
        using var counter = PosixSharedMemory.Create(memory, 4096);
        var name = kind switch
        {
            "sem" => "/" + mine.Address.Name,
            "sysvsem" => mine.Address.Text["sysvsem:".Length..],
            _ => mine.Address.Path!,
        };
        var peers = Enumerable.Range(0, 7).Select(_ => Peer.StartC(Program, "/" + memory.Name, kind, name)).ToList();
        try
        {
            foreach (var peer in peers) Assert.Equal("ready", peer.ReadLine());
            foreach (var peer in peers) peer.Input.WriteLine();
            await Task.Run(() =>
            {
                for (var i = 0; i < 2000; i++)
                {
                    mine.Acquire();
                    counter.Write(0, counter.Read<long>(0) + 1);
                    mine.Release();
                }
            });
            foreach (var peer in peers) peer.Finish();
        }
        finally
        {
            foreach (var peer in peers) peer.Dispose();
        }
        Assert.Equal(16_000, counter.Read<long>(0));
        mine.Acquire(Deadline.Immediate);
    }

    [Needs("gcc")]
    public void The_kernel_releases_a_System_V_semaphore_of_a_killed_process()
    {
        const string Program = """
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/sem.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                struct sembuf take = { 0, -1, SEM_UNDO };
                semop(semget((key_t)strtoul(argv[1], 0, 0), 0, 0), &take, 1);
                puts("held"); fflush(stdout); pause();
            }
            """;
        using var mine = (SysVSemaphoreSet)Create("sysvsem");
        using var peer = Peer.StartC(Program, mine.Address.Text["sysvsem:".Length..]);
        Assert.Equal("held", peer.ReadLine());
        Assert.Equal(0, mine.Value);
        Assert.Equal(peer.Id, mine.GetLastProcessId());
        peer.Kill();
        mine.Acquire();
        Assert.Equal(0, mine.Value);
    }

    [Needs("gcc")]
    public async Task The_next_holder_of_a_mutex_learns_that_the_last_one_was_killed()
    {
        // A holder that writes its process id as IpcPs does, so that it can be killed while it holds the lock.
        const string Program = """
            #include <fcntl.h>
            #include <stdio.h>
            #include <sys/file.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                int fd = open(argv[1], O_RDWR), pid = getpid();
                flock(fd, LOCK_EX);
                pwrite(fd, &pid, 4, 16);
                puts("held"); fflush(stdout); pause();
            }
            """;
        using var mine = (IpcMutex)Create("mutex");
        using var peer = Peer.StartC(Program, mine.Address.Path!);
        Assert.Equal("held", peer.ReadLine());
        Assert.Equal(peer.Id, mine.HolderId);
        var waiting = Task.Run(() => mine.Acquire());
        peer.Kill();
        await waiting;
        Assert.True(mine.OwnerDied);
        Assert.Equal(peer.Id, mine.DeadOwnerId);
        Assert.Equal(Environment.ProcessId, mine.HolderId);
        mine.Release();
        Assert.Null(mine.HolderId);
        // Only once: after that the mutex was released properly.
        mine.Acquire();
        Assert.False(mine.OwnerDied);
    }

    [Fact]
    public async Task A_mutex_is_held_by_the_object_and_recursive_on_request()
    {
        using var mutex = (IpcMutex)Create("mutex");
        var me = new LockOptions { Holder = "me" };
        mutex.Acquire(me);
        Assert.True(mutex.IsHeld);
        var error = Assert.Throws<IpcException>(() => mutex.Acquire(me));
        Assert.Equal(IpcErrors.InvalidOperation, error.Id);
        error = Assert.Throws<IpcException>(() => mutex.Acquire(new LockOptions { Holder = "other" }, Deadline.Immediate));
        Assert.Equal(IpcErrors.Locked, error.Id);
        await Task.Run(() => mutex.Release());
        Assert.Equal(IpcErrors.InvalidOperation, Assert.Throws<IpcException>(() => mutex.Release()).Id);
        foreach (var wrong in new[] { new LockOptions { Count = 2 }, new LockOptions { Index = 1 } })
            Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => mutex.Acquire(wrong)).Id);

        var address = NewAddress("mutex");
        using var made = IpcMutex.Create(address, isRecursive: true);
        using var recursive = IpcMutex.Open(address);
        Assert.True(recursive.IsRecursive);
        recursive.Acquire(me);
        recursive.Acquire(me);
        recursive.Release();
        Assert.Equal(IpcErrors.Locked, Assert.Throws<IpcException>(() => made.Acquire(Deadline.Immediate)).Id);
        recursive.Release();
        made.Acquire(Deadline.Immediate);
    }

    [Fact]
    public void A_removed_mutex_cannot_be_acquired()
    {
        using var mutex = Create("mutex");
        IpcMechanisms.For(IpcScheme.Mutex).Remove(mutex.Address);
        Assert.Equal(IpcErrors.Removed, Assert.Throws<IpcException>(() => mutex.Acquire()).Id);
    }

    [Fact]
    public void Closing_a_held_mutex_releases_it()
    {
        var mine = Create("mutex");
        using var other = Open(mine);
        mine.Acquire();
        mine.Dispose();
        other.Acquire(Deadline.Immediate);
        Assert.False(other.OwnerDied);
    }

    private static IpcLock Open(IpcLock other) => (IpcLock)IpcMechanisms.Open(other.Address);

    private IpcLock Create(string kind, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        Create(NewAddress(kind), mode);

    private static IpcLock Create(IpcAddress address, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        address.Scheme switch
        {
            IpcScheme.Sem => PosixSemaphore.Create(address, 1, mode),
            IpcScheme.SysVSem => SysVSemaphoreSet.Create(address, 1, 1, mode),
            _ => IpcMutex.Create(address, isRecursive: false, mode),
        };

    private IpcAddress NewAddress(string kind)
    {
        var unique = Guid.NewGuid().ToString("N");
        var address = IpcAddress.Parse(kind switch
        {
            "sem" => $"sem:/ipcps-test-{unique}",
            "sysvsem" => $"sysvsem:0x{uint.Parse(unique[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture) | 1:x}",
            _ => $"mutex:ipcps-test-{unique}",
        });
        _made.Add(address);
        return address;
    }
}
