using System.Globalization;
using System.Text;
using IpcPs.SharedMemory;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.SharedMemory;

/// <content>Peers in C and Python.</content>
public sealed partial class SharedMemoryTests
{
    [Needs("gcc")]
    public void A_C_program_shares_POSIX_memory()
    {
        const string Program = """
            #include <fcntl.h>
            #include <stdio.h>
            #include <sys/mman.h>
            #include <sys/stat.h>
            int main(int argc, char **argv) {
                int fd = shm_open(argv[1], O_RDWR, 0);
                struct stat s; fstat(fd, &s);
                int *p = mmap(0, s.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                printf("%ld %d\n", (long)s.st_size, p[0]);
                p[1] = 4321;
                return 0;
            }
            """;
        using var memory = Create("shm", 4096);
        memory.Write(0, 1234);
        Assert.Equal("4096 1234", Peer.RunC(Program, "/" + memory.Address.Name));
        Assert.Equal(4321, memory.Read<int>(4));
    }

    [Needs("gcc")]
    public void A_C_program_shares_System_V_memory()
    {
        const string Program = """
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/shm.h>
            int main(int argc, char **argv) {
                char *p = shmat(shmget((key_t)strtoul(argv[1], 0, 0), 0, 0), 0, 0);
                puts(p);
                strcpy(p + 100, "from C");
                return 0;
            }
            """;
        using var memory = Create("sysvshm", 4096);
        memory.WriteTerminatedText(0, "from .NET");
        Assert.Equal("from .NET", Peer.RunC(Program, memory.Address.Text["sysvshm:".Length..]));
        Assert.Equal("from C", memory.ReadTerminatedText(100));
        Assert.NotEqual(Environment.ProcessId, memory.LastProcessId);
    }

    [Needs("gcc")]
    public void A_C_program_s_futex_wakes_a_waiter()
    {
        const string Program = """
            #include <fcntl.h>
            #include <linux/futex.h>
            #include <sys/mman.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            int main(int argc, char **argv) {
                int *p = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shm_open(argv[1], O_RDWR, 0), 0);
                __atomic_store_n(p, 7, __ATOMIC_SEQ_CST);
                syscall(SYS_futex, p, FUTEX_WAKE, 1 << 30, 0, 0, 0);
                return 0;
            }
            """;
        using var memory = Create("shm", 4096);
        using var peer = Peer.StartC(Program, "/" + memory.Address.Name);
        Assert.Equal(7, memory.WaitForChange(0, 0));
        peer.Finish();
    }

    [Needs("python3")]
    public void Python_shares_it_both_ways()
    {
        using var memory = Create("shm", 1000);
        memory.WriteText(10, "from .NET");
        var seen = Peer.RunPython("""
            import sys
            from multiprocessing import resource_tracker, shared_memory
            m = shared_memory.SharedMemory(sys.argv[1])
            resource_tracker.unregister(m._name, "shared_memory")
            print(m.size, bytes(m.buf[10:19]).decode())
            m.buf[100:106] = b"python"
            m.close()
            """, memory.Address.Name!);
        Assert.Equal("1000 from .NET", seen);
        Assert.Equal("python", memory.ReadText(100, 6));

        using var peer = Peer.StartPython("""
            import sys
            from multiprocessing import shared_memory
            m = shared_memory.SharedMemory(create=True, size=100)
            m.buf[0] = 77
            print(m.name, flush=True)
            sys.stdin.readline()
            print(m.buf[1])
            m.close(); m.unlink()
            """);
        using (var other = PosixSharedMemory.Open(IpcAddress.Parse("shm:" + peer.ReadLine())))
        {
            Assert.Equal(77, other[0]);
            other[1] = 78;
            peer.Input.WriteLine();
            Assert.Equal("78", peer.ReadLine());
        }
        peer.Finish();
    }
}
