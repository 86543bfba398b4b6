namespace IpcPs.Measurement;

/// <summary>What <see cref="MechanismMeter"/> measures.</summary>
public enum MeasuredMechanism
{
    /// <summary>Two anonymous pipes.</summary>
    Pipe,
    /// <summary>Two named pipes.</summary>
    Fifo,
    /// <summary>A connection of Unix stream sockets.</summary>
    Unix,
    /// <summary>A connection of Unix seqpacket sockets.</summary>
    SeqPacket,
    /// <summary>Unix datagram sockets.</summary>
    Datagram,
    /// <summary>A TCP connection on the loopback device.</summary>
    Tcp,
    /// <summary>UDP on the loopback device. It loses messages when the receiver is slower, so it is measured only in round trips.</summary>
    Udp,
    /// <summary>Two POSIX message queues.</summary>
    Mq,
    /// <summary>Two System V message queues.</summary>
    SysVMq,
    /// <summary>Two rings in shared memory.</summary>
    Ring,
    /// <summary>Shared memory that POSIX semaphores guard.</summary>
    SharedMemory,
    /// <summary>A real-time signal with a value of 8 bytes. Only round trips.</summary>
    Signal,
}
