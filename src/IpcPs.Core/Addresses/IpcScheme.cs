namespace IpcPs.Addresses;

/// <summary>The word before the colon of an address: which mechanism it belongs to.</summary>
public enum IpcScheme
{
    /// <summary><c>pipe:PID/FD</c>: an end of an anonymous pipe, reached through its owner; pipe(7).</summary>
    Pipe,
    /// <summary><c>fd:N</c>: a descriptor inherited from the parent.</summary>
    Fd,
    /// <summary><c>fifo:NAME</c> or <c>fifo:/path</c>: a named pipe; fifo(7).</summary>
    Fifo,
    /// <summary><c>mq:/NAME</c>: a POSIX message queue; mq_overview(7).</summary>
    Mq,
    /// <summary><c>sysvmq:KEY</c>: a System V message queue; sysvipc(7).</summary>
    SysVMq,
    /// <summary><c>unix:/path</c>, <c>unix:NAME</c>, <c>unix:@NAME</c>: a Unix socket; unix(7).</summary>
    Unix,
    /// <summary><c>tcp:127.0.0.1:PORT</c>: a loopback TCP socket; tcp(7).</summary>
    Tcp,
    /// <summary><c>udp:127.0.0.1:PORT</c>: a loopback UDP socket; udp(7).</summary>
    Udp,
    /// <summary><c>ring:/NAME</c>: a message ring in shared memory.</summary>
    Ring,
    /// <summary><c>shm:/NAME</c>: POSIX shared memory; shm_overview(7).</summary>
    Shm,
    /// <summary><c>sysvshm:KEY</c>: a System V shared memory segment; shmget(2).</summary>
    SysVShm,
    /// <summary><c>file:/path</c>: a mapped file; mmap(2).</summary>
    File,
    /// <summary><c>memfd:PID/FD</c>: anonymous shared memory, reached through its owner; memfd_create(2).</summary>
    MemFd,
    /// <summary><c>sem:/NAME</c>: a POSIX named semaphore; sem_overview(7).</summary>
    Sem,
    /// <summary><c>sysvsem:KEY</c>: a System V semaphore set; semget(2).</summary>
    SysVSem,
    /// <summary><c>mutex:NAME</c>: a lock that the kernel releases when its holder dies.</summary>
    Mutex,
    /// <summary><c>nats://HOST[:PORT]/NAME</c>, <c>nats:NAME</c>: a work queue of a NATS broker, or with <c>?type=topic</c> a
    /// topic.</summary>
    Nats,
    /// <summary><c>tls://HOST[:PORT]/NAME</c>: the same over TLS.</summary>
    Tls,
}

/// <summary>The type of a socket; the values are those of socket(2).</summary>
public enum IpcSocketType
{
    /// <summary>SOCK_STREAM: a byte stream.</summary>
    Stream = 1,
    /// <summary>SOCK_DGRAM: messages without a connection.</summary>
    Datagram = 2,
    /// <summary>SOCK_SEQPACKET: messages over a connection.</summary>
    SeqPacket = 5,
}
