using System.Globalization;
using System.Security.Cryptography;
using IpcPs.Files;
using IpcPs.Inventory;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Proc;
using IpcPs.Queues;
using IpcPs.SharedMemory;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Inventory;

/// <summary>What is stale and what is not, and that who begins to use an object keeps it: with a C program that uses it.</summary>
public sealed class StaleTests : IDisposable
{
    private const string User = """
        #include <fcntl.h>
        #include <mqueue.h>
        #include <semaphore.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/file.h>
        #include <sys/mman.h>
        #include <sys/msg.h>
        #include <sys/sem.h>
        #include <sys/shm.h>
        #include <sys/socket.h>
        #include <sys/un.h>
        #include <unistd.h>
        int main(int argc, char **argv) {
            const char *kind = argv[1], *name = argv[2];
            int fd = 0, waits = 0;
            if (!strcmp(kind, "shm")) { fd = shm_open(name, O_RDWR, 0); }
            if (!strcmp(kind, "map")) { fd = shm_open(name, O_RDWR, 0); mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0); close(fd); }
            if (!strcmp(kind, "private")) { fd = shm_open(name, O_RDONLY, 0); mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0); close(fd); }
            if (!strcmp(kind, "sem")) { fd = sem_open(name, 0) == SEM_FAILED ? -1 : 0; }
            if (!strcmp(kind, "mq")) { fd = mq_open(name, O_RDONLY); }
            if (!strcmp(kind, "sysvmq")) { struct { long t; char c[1]; } m = { 1, "" }; fd = msgsnd(atoi(name), &m, 1, 0); }
            if (!strcmp(kind, "made")) { fd = shmget(atoi(name), 4096, IPC_CREAT | IPC_EXCL | 0600); printf("%d\n", fd); }
            if (!strcmp(kind, "sysvshm")) { fd = shmat(atoi(name), 0, 0) == (void *)-1 ? -1 : 0; }
            if (!strcmp(kind, "sysvsem")) { struct sembuf b = { 0, 1, 0 }; fd = semop(atoi(name), &b, 1); }
            if (!strcmp(kind, "mutex") || !strcmp(kind, "fifo")) { fd = open(name, O_RDWR); }
            if (!strcmp(kind, "reader") || !strcmp(kind, "writer")) waits = 1;
            if (!strcmp(kind, "unix")) {
                struct sockaddr_un a = { AF_UNIX };
                strcpy(a.sun_path, name); unlink(name);
                fd = socket(AF_UNIX, SOCK_STREAM, 0);
                if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 1)) fd = -1;
            }
            if (fd < 0) { perror(kind); return 1; }
            puts("ready"); fflush(stdout);
            if (waits) open(name, !strcmp(kind, "reader") ? O_RDONLY : O_WRONLY);
            for (;;) pause();
        }
        """;

    private readonly string _name = $"stale-{RandomNumberGenerator.GetHexString(12, lowercase: true)}";
    private IpcAddress? _address;

    public void Dispose()
    {
        if (_address is null) return;
        try
        {
            IpcMechanisms.For(_address.Scheme).Remove(_address);
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound || e.Id == IpcErrors.Removed)
        {
            // As it should be.
        }
    }

    [NeedsTheory("gcc")]
    [InlineData("shm")]
    [InlineData("map")]
    [InlineData("private")]
    [InlineData("sem")]
    [InlineData("mq")]
    [InlineData("mutex")]
    [InlineData("fifo")]
    [InlineData("reader")]
    [InlineData("writer")]
    [InlineData("sysvmq")]
    [InlineData("sysvshm")]
    [InlineData("sysvsem")]
    [InlineData("unix")]
    public void Who_begins_to_use_what_was_stale_keeps_it_and_when_it_is_killed_it_is_stale_again(string kind)
    {
        var name = Leave(kind);
        var stale = UntilStale();
        using var user = Peer.StartC(User, kind, name);
        Assert.Equal("ready", user.ReadLine());
        if (kind is "reader" or "writer") UntilHeld();
        // A socket's server has created the file again: another object of the same name, which is in use too.
        var kept = Assert.Single(IpcInventory.RemoveStale([stale]));
        Assert.False(kept.IsRemoved, kept.Reason);
        var now = Look();
        Assert.False(now.IsStale, now.Reason);
        // What System V queues and sets have is no holder but the one that used them last.
        if (kind is "sysvmq" or "sysvsem") Assert.Contains(user.Id, now.LastIds);
        else Assert.Contains(user.Id, now.Holders.Select(static h => h.ProcessId));
        if (kind != "unix") Assert.Equal(stale.Identity, now.Identity);

        user.Kill();
        var removed = Assert.Single(IpcInventory.RemoveStale([UntilStale()]));
        Assert.True(removed.IsRemoved, removed.Reason);
        Assert.DoesNotContain(IpcInventory.List([_address!.Scheme], all: false, out _), i => i.Address.Equals(_address));
    }

    [Fact]
    public void Another_object_by_the_same_name_is_not_the_one_that_was_stale()
    {
        Leave("shm");
        var stale = UntilStale();
        IpcMechanisms.For(IpcScheme.Shm).Remove(_address!);
        PosixSharedMemory.Create(_address!, 4096).Dispose();
        Assert.Equal("gone meanwhile", Assert.Single(IpcInventory.RemoveStale([stale])).Reason);
        Assert.True(Look().IsStale);
    }

    [Fact]
    public async Task Who_opens_a_file_while_it_is_asked_about_does_not_end_the_one_who_asks()
    {
        Leave("shm");
        var path = "/dev/shm/" + _name;
        using var over = new CancellationTokenSource();
        var opener = Task.Run(() =>
        {
            // Opening breaks the lease: its holder is sent a signal, which by default would end it.
            for (var i = 0; !over.IsCancellationRequested; i++)
                using (File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)) Assert.True(i >= 0);
        });
        for (var i = 0; i < 2_000; i++) _ = LeaseProbe.IsInUse(path);
        await over.CancelAsync();
        await opener;
        Assert.True(SpinWait.SpinUntil(() => LeaseProbe.IsInUse(path) == false, TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void A_queue_that_nobody_has_used_is_not_proven_stale()
    {
        using var queue = SysVQueue.Create();
        _address = queue.Address;
        Assert.Equal((false, "not proven: no process is recorded to have used it"), (Look().IsStale, Look().Reason));
    }

    [Theory]
    [InlineData("7f00-7f10 rw-s 00000000 00:01 5                          /SYSV0000002a (deleted)", 0u, 1u, 5ul, true)]
    [InlineData("7f00-7f10 rw-s 00000000 00:01 0                          /SYSV00000000 (deleted)", 0u, 1u, 0ul, true)]
    [InlineData("7f00-7f10 rw-s 00001000 00:1a 77                         /dev/shm/x y", 0u, 26u, 77ul, false)]
    [InlineData("7f00-7f10 r--p 00001000 fe:00 77                         /dev/shm/x", 254u, 0u, 77ul, false)]
    [InlineData("7f00-7f10 r--p 00001000 fe:00 77                         /usr/lib/libc.so.6", 0u, 0u, 0ul, null)]
    [InlineData("7f00-7f10 rw-s 00000000 00:00 0 ", 0u, 0u, 0ul, null)]
    [InlineData("7f00-7f10 rw-p 00000000 00:00 0", 0u, 0u, 0ul, null)]
    [InlineData("", 0u, 0u, 0ul, null)]
    public void Lines_of_proc_maps_are_understood(string line, uint major, uint minor, ulong inode, bool? isSysV)
    {
        ReadOnlySpan<byte> maps = System.Text.Encoding.UTF8.GetBytes(line + "\n");
        Assert.Equal(isSysV is not null, Mapping.TryNext(ref maps, out var mapping));
        if (isSysV is { } sysV) Assert.Equal(new Mapping(new FileId(major, minor, inode), sysV), mapping);
        Assert.False(Mapping.TryNext(ref maps, out _));
    }

    [Theory]
    [InlineData("12 (any) thing)) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 99", "any) thing)", 'S', 3, false)]
    [InlineData("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 1", "kthreadd", 'S', 1, true)]
    [InlineData("7 (over) Z 1 7 7 0 -1 4227084 0 0 0 0 0 0 0 0 20 0 1 0 1", "over", 'Z', 1, false)]
    public void Lines_of_proc_stat_are_understood(string line, string name, char state, long threads, bool isKernelThread)
    {
        var parsed = ProcessStat.Parse(System.Text.Encoding.UTF8.GetBytes(line));
        Assert.Equal(
            (name, state, threads, isKernelThread, state == 'Z'),
            (parsed.Name, parsed.State, parsed.Threads, parsed.IsKernelThread, parsed.HasEnded));
    }

    // Makes an object and leaves it, used by a process that is killed where only that leaves a trace. Gives what the C program calls it.
    private string Leave(string kind)
    {
        _address = IpcAddress.Parse(kind switch
        {
            "shm" or "map" or "private" => "shm:/" + _name,
            "sem" or "mq" => $"{kind}:/{_name}",
            "mutex" => "mutex:" + _name,
            "fifo" or "reader" or "writer" => "fifo:" + _name,
            "unix" => "unix:" + _name,
            _ => string.Create(CultureInfo.InvariantCulture, $"{kind}:{RandomNumberGenerator.GetInt32(1, int.MaxValue)}"),
        });
        switch (_address.Scheme)
        {
            case IpcScheme.Shm: PosixSharedMemory.Create(_address, 4096).Dispose(); return "/" + _name;
            case IpcScheme.Sem: PosixSemaphore.Create(_address).Dispose(); return "/" + _name;
            case IpcScheme.Mq: PosixQueue.Create(_address, maxMessages: 1, maxMessageSize: 64).Dispose(); return "/" + _name;
            case IpcScheme.Mutex: IpcMutex.Create(_address).Dispose(); return _address.Path!;
            case IpcScheme.Fifo: NamedPipe.Create(_address).Dispose(); return _address.Path!;
            case IpcScheme.Unix: RuntimeFolder.Ensure(); break;
        }
        var name = _address.Scheme switch
        {
            IpcScheme.SysVMq => Id(SysVQueue.Create(_address.Key)),
            IpcScheme.SysVSem => Id(SysVSemaphoreSet.Create(_address)),
            IpcScheme.SysVShm => "",
            _ => _address.Path!,
        };
        // The kernel remembers a segment's creator: it must not be this process, which runs.
        var isMade = _address.Scheme == IpcScheme.SysVShm;
        using var user = isMade ? Peer.StartC(User, "made", _address.Key!.Key!.Value.ToString(CultureInfo.InvariantCulture))
            : Peer.StartC(User, kind, name);
        if (isMade) name = user.ReadLine()!;
        Assert.Equal("ready", user.ReadLine());
        user.Kill();
        return name;
    }

    private static string Id(IpcObject made)
    {
        using (made)
        {
            return SysVTable.Read(made.Address.Scheme, out _)
                .First(r => r["key"] == made.Address.Key!.Key).Id.ToString(CultureInfo.InvariantCulture);
        }
    }

    private IpcObjectInfo Look() => IpcInventory.List([_address!.Scheme], all: false, out _).First(i => i.Address.Equals(_address));

    // A listing by another process that asks the same has the file open for a moment.
    private IpcObjectInfo UntilStale()
    {
        IpcObjectInfo? seen = null;
        Assert.True(SpinWait.SpinUntil(() => (seen = Look()).IsStale, TimeSpan.FromMinutes(1)), seen?.Reason);
        return seen!;
    }

    private void UntilHeld() => Assert.True(SpinWait.SpinUntil(() => Look().Holders.Count > 0, TimeSpan.FromMinutes(1)));
}
