using System.Globalization;
using System.Runtime.InteropServices;
using IpcPs.Linux;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Tests.Peers;
using IpcPs.Tests.Serialization;
using Xunit;

namespace IpcPs.Tests.Locks;

/// <content>Semaphores, and C programs that use them.</content>
public sealed partial class LockTests
{
    [Fact]
    public void A_POSIX_semaphore_counts()
    {
        var address = NewAddress("sem");
        using var semaphore = PosixSemaphore.Create(address, 3);
        semaphore.Acquire(new LockOptions { Count = 2 });
        Assert.Equal(1, semaphore.Value);
        // If not all can be acquired, those that were are released.
        Fails(IpcErrors.Locked, () => semaphore.Acquire(new LockOptions { Count = 2 }, Deadline.Immediate));
        Assert.Equal(1, semaphore.Value);
        using var cancelled = new CancellationTokenSource(10);
        Assert.Throws<OperationCanceledException>(() => semaphore.Acquire(new LockOptions { Count = 2 }, cancelled.Token));
        Assert.Equal(1, semaphore.Value);
        semaphore.Release(new LockOptions { Count = 5 });
        Assert.Equal(6, semaphore.Value);
        Assert.Equal(0, semaphore.Waiters);
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => semaphore.Acquire(new LockOptions { Index = 1 })).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => semaphore.Acquire(new LockOptions { Count = 0 })).Id);
        using var full = PosixSemaphore.Create(NewAddress("sem"), PosixSemaphore.MaxValue);
        Assert.Equal(IpcErrors.LimitReached, Assert.Throws<IpcException>(() => full.Release()).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => PosixSemaphore.Create(NewAddress("sem"), -1)).Id);
    }

    [Fact]
    public void A_file_that_is_not_a_semaphore_is_refused_and_not_mapped()
    {
        var address = NewAddress("sem");
        var path = PosixSemaphore.PathOf(address);
        foreach (var (content, id) in new (byte[], IpcErrorId)[]
        {
            ([], IpcErrors.WrongKind),
            (new byte[31], IpcErrors.WrongKind),
            (new byte[33], IpcErrors.WrongKind),
            (new byte[32], IpcErrors.InvalidData),
            (Enumerable.Repeat((byte)0xff, 32).ToArray(), IpcErrors.InvalidData),
        })
        {
            File.WriteAllBytes(path, content);
            Assert.Equal(id, Assert.Throws<IpcException>(() => IpcMechanisms.Open(address)).Id);
        }
        File.Delete(path);
        File.CreateSymbolicLink(path, "/etc/passwd");
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcMechanisms.Open(address)).Id);
        File.Delete(path);
        Assert.Equal(0, Libc.mkfifo(path, 0x180));
        Assert.Equal(IpcErrors.WrongKind, Assert.Throws<IpcException>(() => IpcMechanisms.Open(address)).Id);
        IpcMechanisms.For(IpcScheme.Sem).Remove(address);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_truncated_semaphore_is_an_error_and_does_not_end_the_process()
    {
        using var semaphore = (PosixSemaphore)Create("sem");
        File.WriteAllBytes(PosixSemaphore.PathOf(semaphore.Address), []);
        Fails(IpcErrors.InvalidData, () => semaphore.Acquire(Deadline.After(TimeSpan.FromMilliseconds(20))));
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => semaphore.Release()).Id);
        Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => semaphore.Value).Id);
    }

    [Fact]
    public void A_file_that_is_not_a_mutex_is_refused()
    {
        var address = NewAddress("mutex");
        RuntimeFolder.Ensure();
        var path = address.Path!;
        foreach (var content in new byte[][] { [], new byte[32], new byte[1000] })
        {
            File.WriteAllBytes(path, content);
            Assert.Equal(IpcErrors.InvalidData, Assert.Throws<IpcException>(() => IpcMechanisms.Open(address)).Id);
        }
    }

    [Needs("gcc")]
    public void C_and_this_program_use_the_same_semaphore()
    {
        const string Program = """
            #include <fcntl.h>
            #include <semaphore.h>
            #include <stdio.h>
            int main(int argc, char **argv) {
                sem_t *ours = sem_open(argv[1], 0), *its = sem_open(argv[2], O_CREAT | O_EXCL, 0600, 4);
                int value;
                if (ours == SEM_FAILED || its == SEM_FAILED) return 1;
                sem_getvalue(ours, &value);
                printf("%d\n", value); fflush(stdout);
                sem_post(ours);
                sem_wait(ours); sem_wait(ours);
                puts("through");
                return 0;
            }
            """;
        using var mine = PosixSemaphore.Create(NewAddress("sem"), 0);
        var name = NewAddress("sem");
        using var peer = Peer.StartC(Program, "/" + mine.Address.Name, "/" + name.Name);
        Assert.Equal("0", peer.ReadLine());
        using var its = PosixSemaphore.Open(name);
        Assert.Equal(4, its.Value);
        mine.Release();
        Assert.Equal("through", peer.ReadLine());
        peer.Finish();
        Assert.Equal(0, mine.Value);
    }

    [Fact]
    public void Semaphores_of_a_set_are_acquired_at_once_and_waited_for_until_zero()
    {
        var address = NewAddress("sysvsem");
        using var set = SysVSemaphoreSet.Create(address, 4, 2);
        Assert.Equal([2, 2, 2, 2], set.Values);
        set.Acquire(new LockOptions { Index = 3, Count = 2 });
        Fails(IpcErrors.Locked, () => set.Acquire(new LockOptions { Index = 2, Count = 3 }, Deadline.Immediate));
        Assert.Equal([2, 2, 2, 0], set.Values);
        set.Acquire(new LockOptions { Index = 3, Count = 0 }, Deadline.Immediate);
        Fails(IpcErrors.Locked, () => set.Acquire(new LockOptions { Index = 0, Count = 0 }, Deadline.Immediate));
        set.Release(new LockOptions { Index = 3, Count = 3 });
        set.SetValue(1, 7);
        Assert.Equal([2, 7, 2, 3], set.Values);
        Assert.Equal(7, set.GetValue(1));
        Assert.Equal(0, set.GetWaiters(1));
        Assert.Equal(0, set.GetZeroWaiters(1));
        Assert.Equal(Environment.ProcessId, set.GetLastProcessId(1));
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => set.GetValue(4)).Id);
        Assert.Equal(IpcErrors.OutOfRange, Assert.Throws<IpcException>(() => set.Acquire(new LockOptions { Index = -1 })).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => set.Release(new LockOptions { Count = 0 })).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => set.Acquire(new LockOptions { Count = 32768 })).Id);
        set.SetValue(0, SysVSemaphoreSet.MaxValue);
        Assert.Equal(IpcErrors.LimitReached, Assert.Throws<IpcException>(() => set.Release()).Id);
        Assert.Equal(IpcErrors.InvalidArgument, Assert.Throws<IpcException>(() => set.SetValue(0, 32768)).Id);
        using var again = SysVSemaphoreSet.Open(address);
        Assert.Equal(4, again.Count);
        using var secret = SysVSemaphoreSet.Create(null, 1, 0);
        _made.Add(secret.Address);
        Assert.Equal($"sysvsem:id={secret.Id}", secret.Address.Text);
        Fails(IpcErrors.LimitReached, () => SysVSemaphoreSet.Create(NewAddress("sysvsem"), 10_000_000));
        Fails(IpcErrors.InvalidArgument, () => SysVSemaphoreSet.Create(NewAddress("sysvsem"), 0));
        Fails(IpcErrors.InvalidArgument, () => SysVSemaphoreSet.Create(NewAddress("sysvsem"), 1, 32768));
    }

    private static void Fails(IpcErrorId id, Action action) => Assert.Equal(id, Assert.Throws<IpcException>(action).Id);

    [Fact]
    public async Task A_wait_fails_when_the_set_is_removed()
    {
        using var set = Create("sysvsem");
        set.Acquire();
        using var waiter = (SysVSemaphoreSet)Open(set);
        var waiting = Task.Run(() => waiter.Acquire());
        while (((SysVSemaphoreSet)set).GetWaiters() == 0) Thread.Yield();
        IpcMechanisms.For(IpcScheme.SysVSem).Remove(set.Address);
        Assert.Equal(IpcErrors.Removed, (await Assert.ThrowsAsync<IpcException>(() => waiting)).Id);
        Assert.Equal(IpcErrors.Removed, Assert.Throws<IpcException>(() => set.Release()).Id);
    }

    [Needs("gcc")]
    public void A_C_program_sees_an_initialized_set_and_acquires_from_it()
    {
        const string Program = """
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/sem.h>
            union semun { int val; struct semid_ds *buf; };
            int main(int argc, char **argv) {
                int id = semget((key_t)strtoul(argv[1], 0, 0), 0, 0);
                struct semid_ds status; union semun u = { .buf = &status };
                semctl(id, 0, IPC_STAT, u);
                printf("%d %lu %d\n", status.sem_otime != 0, status.sem_nsems, semctl(id, 2, GETVAL));
                struct sembuf take = { 2, -5, 0 };
                return semop(id, &take, 1);
            }
            """;
        var address = NewAddress("sysvsem");
        using var set = SysVSemaphoreSet.Create(address, 3, 5);
        Assert.Equal("1 3 5", Peer.RunC(Program, address.Text["sysvsem:".Length..]));
        Assert.Equal([5, 5, 0], set.Values);
    }
}
