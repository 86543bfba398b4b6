using IpcPs.Inventory;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;
using IpcPs.Tests.Peers;
using IpcPs.Watching;
using Xunit;

namespace IpcPs.Tests.Watching;

/// <summary>Samples of real objects that other programs use.</summary>
public sealed class SamplerTests
{
    private const string Sender = """
        #include <mqueue.h>
        #include <stdio.h>
        #include <stdlib.h>
        int main(int n, char **args) {
            mqd_t queue = mq_open(args[1], O_WRONLY);
            char line[16];
            while (fgets(line, sizeof line, stdin)) {
                for (int i = atoi(line); i > 0; i--) if (mq_send(queue, "1234567890", 10, 0)) return 1;
                puts("sent"); fflush(stdout);
            }
        }
        """;

    private const string Waiter = """
        #include <semaphore.h>
        #include <stdio.h>
        int main(int n, char **args) {
            sem_t *sem = sem_open(args[1], 0);
            puts("waits"); fflush(stdout);
            return sem_wait(sem);
        }
        """;

    // Holds the mutex as IpcPs does: flock(2), and its id in the record.
    private const string Holder = """
        import fcntl, os, struct, sys
        fd = os.open(sys.argv[1], os.O_RDWR)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if sys.argv[2] == 'record': os.pwrite(fd, struct.pack('<i', os.getpid()), 16)
        print('held', flush=True)
        sys.stdin.readline()
        """;

    private readonly string _name = $"watch-{Guid.NewGuid():N}"[..16];

    [Needs("gcc")]
    public void A_queue_that_a_c_program_fills_has_a_depth_a_rate_and_is_full()
    {
        var address = IpcAddress.Parse("mq:/" + _name);
        using var queue = PosixQueue.Create(address, maxMessages: 4);
        try
        {
            using var peer = Peer.StartC(Sender, "/" + _name);
            var sampler = Sampler(IpcScheme.Mq);
            var first = One(sampler);
            Assert.Equal((0, 4, IpcDepthUnit.Messages, IpcRateSource.None), (first.Depth, first.Capacity, first.Unit, first.RateSource));
            Assert.Null(first.MessagesPerSecond);
            peer.Input.WriteLine("3");
            Assert.Equal("sent", peer.ReadLine());
            var second = One(sampler);
            Assert.Equal((3, 75.0, IpcRateSource.DepthChanges, IpcSampleMarks.None),
                (second.Depth, second.FillPercent, second.RateSource, second.Marks));
            Assert.Equal(second.MessagesPerSecond!.Value * 10, second.BytesPerSecond!.Value, 6);
            Assert.Contains(second.Holders, h => h.ProcessId == peer.Id || h.ProcessId == Environment.ProcessId);
            peer.Input.WriteLine("1");
            Assert.Equal("sent", peer.ReadLine());
            Assert.Equal(IpcSampleMarks.Full, One(sampler).Marks);
            // A queue that is gone is not in the next sample.
            PosixQueue.Remove(address);
            Assert.Empty(sampler.Sample());
        }
        finally
        {
            if (PosixQueue.Exists(address)) PosixQueue.Remove(address);
        }
    }

    [Fact]
    public void A_system_v_queue_is_full_by_its_bytes()
    {
        using var queue = SysVQueue.Create();
        try
        {
            var sampler = Sampler(IpcScheme.SysVMq, queue.Address);
            var size = (int)(queue.MaxBytes / 3) + 1;
            queue.Send(new byte[size]);
            Assert.Equal((1, IpcSampleMarks.None), (One(sampler).Depth, One(sampler).Marks));
            queue.Send(new byte[size]);
            var sample = One(sampler);
            Assert.Equal((2, 2, IpcSampleMarks.Full), (sample.Depth, sample.Capacity, sample.Marks));
        }
        finally
        {
            SysVQueue.Remove(queue.Address);
        }
    }

    [Theory]
    [InlineData(RingDelivery.Queue)]
    [InlineData(RingDelivery.BroadcastDropOldest)]
    public void A_ring_s_positions_are_exact(RingDelivery delivery)
    {
        using var ring = MessageRing.Create(IpcAddress.Parse("ring:/" + _name), new RingOptions { Delivery = delivery, Capacity = 65536 });
        var sampler = Sampler(IpcScheme.Ring);
        One(sampler);
        for (var i = 0; i < 10; i++) ring.Send(new byte[100]);
        var sample = One(sampler);
        Assert.Equal((10 * RingLayout.RecordSize(100), 65536), (sample.Depth, sample.Capacity));
        Assert.Equal(IpcRateSource.RingPositions, sample.RateSource);
        Assert.Equal(RingLayout.RecordSize(100), sample.BytesPerSecond!.Value / sample.MessagesPerSecond!.Value, 6);
    }

    [Needs("python3")]
    public void A_named_pipe_is_read_through_its_holder_and_gets_no_other_reader()
    {
        var address = IpcAddress.Parse("fifo:" + _name);
        using var pipe = NamedPipe.Create(address);
        try
        {
            using var peer = Peer.StartPython(
                "import os, sys; f = os.open(sys.argv[1], os.O_RDWR); os.write(f, b'x' * 65536); print('ok', flush=True); sys.stdin.read()",
                address.Path!);
            Assert.Equal("ok", peer.ReadLine());
            var sampler = Sampler(IpcScheme.Fifo);
            var sample = One(sampler);
            Assert.Equal((65536, 65536, IpcDepthUnit.Bytes), (sample.Depth, sample.Capacity, sample.Unit));
            Assert.Equal(IpcSampleMarks.Full, sample.Marks);
            Assert.Contains(peer.Id, sample.Holders.Select(static h => h.ProcessId));
        }
        finally
        {
            IpcMechanisms.For(IpcScheme.Fifo).Remove(address);
        }
    }

    [Needs("python3")]
    public void A_mutex_that_is_held_for_too_long_and_one_whose_holder_was_killed_are_marked()
    {
        var address = IpcAddress.Parse("mutex:" + _name);
        IpcMutex.Create(address).Dispose();
        try
        {
            var sampler = Sampler(IpcScheme.Mutex);
            Assert.Equal((null, null, IpcSampleMarks.None), (One(sampler).HeldBy, One(sampler).HeldFor, Urgent(One(sampler))));
            // Another program, which does not write its id: the kernel's table of locks has it.
            using (var other = Peer.StartPython(Holder, address.Path!, "no"))
            {
                Assert.Equal("held", other.ReadLine());
                Assert.Equal(other.Id, One(sampler).HeldBy);
                Assert.Equal(IpcSampleMarks.StuckLock, Urgent(One(sampler)));
            }
            using var peer = Peer.StartPython(Holder, address.Path!, "record");
            Assert.Equal("held", peer.ReadLine());
            using var next = Peer.StartPython(Holder, address.Path!, "no");
            // Until the kernel shows that the next one waits.
            Assert.True(SpinWait.SpinUntil(() => One(sampler).Waiters == 1, 60_000));
            var held = One(sampler);
            Assert.Equal((peer.Id, IpcSampleMarks.StuckLock), (held.HeldBy, Urgent(held)));
            Assert.InRange(held.HeldFor!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(5));
            next.Kill();
            peer.Kill();
            var died = One(sampler);
            Assert.Equal((peer.Id, null, IpcSampleMarks.DeadHolder), (died.HeldBy, died.HeldFor, Urgent(died)));
        }
        finally
        {
            IpcMechanisms.For(IpcScheme.Mutex).Remove(address);
        }
    }

    [Needs("gcc")]
    public void A_semaphore_that_a_process_waits_for_in_vain_is_stuck()
    {
        var address = IpcAddress.Parse("sem:/" + _name);
        using var semaphore = PosixSemaphore.Create(address, 0);
        try
        {
            var sampler = Sampler(IpcScheme.Sem);
            Assert.Equal(IpcSampleMarks.None, Urgent(One(sampler)));
            using var peer = Peer.StartC(Waiter, "/" + _name);
            Assert.Equal("waits", peer.ReadLine());
            Assert.True(SpinWait.SpinUntil(() => Urgent(One(sampler)) == IpcSampleMarks.StuckLock, 60_000));
            Assert.Equal((0, 1), (One(sampler).Depth, One(sampler).Waiters));
            semaphore.Release();
            peer.Finish();
            Assert.Equal((IpcSampleMarks.None, null), (Urgent(One(sampler)), One(sampler).HeldFor));
        }
        finally
        {
            IpcMechanisms.For(IpcScheme.Sem).Remove(address);
        }
    }

    [Needs("python3")]
    public void The_kernel_counts_what_a_listener_s_connections_carry()
    {
        using var server = Peer.StartPython("""
            import socket, sys
            listener = socket.create_server(('127.0.0.1', 0), backlog=7)
            client = socket.create_connection(listener.getsockname())
            other, _ = listener.accept()
            for line in sys.stdin:
                client.sendall(b'x' * 50000)
                read = 0
                while read < 50000: read += len(other.recv(65536))
                print('read', flush=True)
            """.Replace("for line", "print(listener.getsockname()[1], flush=True)\nfor line", StringComparison.Ordinal));
        var address = IpcAddress.Parse("tcp:127.0.0.1:" + server.ReadLine());
        var sampler = Sampler(IpcScheme.Tcp, address);
        Assert.Equal((0, 7, IpcDepthUnit.Connections), (One(sampler).Depth, One(sampler).Capacity, One(sampler).Unit));
        server.Input.WriteLine();
        Assert.Equal("read", server.ReadLine());
        var sample = One(sampler);
        Assert.Equal(IpcRateSource.KernelCounters, sample.RateSource);
        Assert.True(sample.BytesPerSecond > 0, $"{sample.BytesPerSecond} bytes a second.");
        Assert.Equal(0, One(sampler).BytesPerSecond);
    }

    private static IpcSample One(IpcSampler sampler) => Assert.Single(sampler.Sample());

    private static IpcSampleMarks Urgent(IpcSample sample) => sample.Marks & ~IpcSampleMarks.Stale;

    private IpcSampler Sampler(IpcScheme scheme, IpcAddress? address = null) => new(
        () => IpcInventory.List([scheme], all: false, out _)
            .Where(i => address is null ? i.Address.Name == _name : i.Address.Equals(address)), TimeSpan.Zero);
}
