using System.Collections;
using System.Text;
using IpcPs.Pipes;
using IpcPs.Proc;
using IpcPs.Rings;
using IpcPs.Rings.Algorithm;
using IpcPs.Serialization;

namespace IpcPs.Strength.Fuzz;

/// <summary>Everything that reads what another process, another user or the kernel wrote.</summary>
internal sealed class FuzzAttacks : IAttackGroup
{
    private static readonly string[] Addresses =
    [
        "fifo:name", "fifo:/tmp/a b", "unix:name?type=seqpacket", "unix:@abstract", "tcp:127.0.0.1:80", "tcp:[::1]:8080",
        "udp:localhost:53", "mq:/work", "sysvmq:0x1234", "sysvmq:id=17", "sysvmq:/tmp/file#a", "shm:/data", "sysvshm:1", "sem:/count",
        "sysvsem:id=3", "mutex:one", "ring:/events", "fd:3", "memfd:1:4", "pipe:1:4",
    ];

    // As proc_pid_net(5), proc_pid_stat(5) and proc_pid_maps(5) show them.
    private const string SocketLine =
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000000000000000 100 0 0 10 0";

    private const string UnixLine = "ffff8880: 00000002 00000000 00010000 0001 01 12345 /run/a b";

    private const string StatLine =
        "4711 (a ) b) S 1 4711 4711 0 -1 4194560 1234 0 0 0 12 3 0 0 20 0 1 0 98765 10000000 250 18446744073709551615 1 1 0 0 0 0 0";

    private const string MapsLine = "7f0000000000-7f0000021000 rw-s 00001000 00:1b 123456                     /dev/shm/a b (deleted)\n";

    public IEnumerable<IAttack> Attacks =>
    [
        new FuzzAttack("decoder", Objects(), static bytes => new ObjectDecoder().Decode(bytes)),
        new FuzzAttack("messages of a pipe", Streams(), ReadStream),
        new FuzzAttack("addresses", Bytes(Addresses), static bytes => Same(IpcAddress.Parse(Encoding.UTF8.GetString(bytes)))),
        new FuzzAttack("file of a ring", RingFiles(), ReadRing),
        new FuzzAttack("/proc/net", Bytes([SocketLine, UnixLine]), ReadSocketLine),
        new FuzzAttack("/proc/PID/stat", Bytes([StatLine]), ReadStat),
        new FuzzAttack("/proc/PID/maps", Bytes([MapsLine]), ReadMaps),
    ];

    private static List<byte[]> Bytes(IEnumerable<string> texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    private static List<byte[]> Objects()
    {
        object?[] values =
        [
            null, true, -1, 1L << 40, 1.5, 1.5m, "text", "\uD83D", new byte[300], DateTime.UnixEpoch, Guid.Empty, TimeSpan.MaxValue,
            new object?[] { 1, "two", null }, new Hashtable { ["a"] = 1, [2] = "b" },
            new IpcPropertyBag { { "Name", "x" }, { "Count", 5 } },
            new[] { 1.0, 2.0 }, new IpcEnum("Some.Kind", "One", 1), new Version(1, 2), new Uri("https://example.org/"),
        ];
        var encoder = new ObjectEncoder();
        return [.. values.Append(values).Select(value => encoder.Encode(value).ToArray())];
    }

    private static List<byte[]> Streams()
    {
        using var pipe = AnonymousPipe.Create();
        var streams = new List<byte[]>();
        var message = new MessageBuffer();
        foreach (var (format, length) in ((IpcFormat, int)[])[(IpcFormat.Object, 100), (IpcFormat.Object, 9000), (IpcFormat.Text, 50)])
        {
            pipe.Writer.Send(Enumerable.Repeat((byte)'x', length).ToArray(), new SendOptions { Format = format });
            pipe.Receive(message, new ReceiveOptions { Format = IpcFormat.Bytes }, Deadline.Immediate);
            streams.Add(message.Payload.ToArray());
        }
        return streams;
    }

    private static void ReadStream(byte[] bytes)
    {
        using var pipe = AnonymousPipe.Create();
        if (bytes.Length > 0) pipe.Writer.Send(bytes, new SendOptions { Format = IpcFormat.Bytes });
        pipe.Writer.Dispose();
        var message = new MessageBuffer();
        // A message, or a report of what is no message, takes at least one byte.
        var options = new ReceiveOptions { Format = IpcFormat.Object };
        for (var left = bytes.Length + 2; left > 0; left--)
        {
            try
            {
                if (!pipe.Receive(message, options, Deadline.After(TimeSpan.FromMinutes(1)))) return;
            }
            catch (IpcException e) when (e.Id != IpcErrors.Timeout)
            {
            }
        }
        throw new InvalidOperationException("The end of the stream is never reached.");
    }

    // What parses must print as an address that parses to the same.
    private static void Same(IpcAddress address)
    {
        if (!IpcAddress.Parse(address.Text).Equals(address)) throw new InvalidOperationException($"'{address.Text}' is another address.");
    }

    private static List<byte[]> RingFiles()
    {
        var address = IpcAddress.Parse($"ring:/strength-seed-{Environment.ProcessId}");
        try
        {
            using (var ring = MessageRing.Create(address, new RingOptions { Capacity = 64 * 1024, Persist = true })) ring.Send("one"u8);
            return [File.ReadAllBytes(RingFile.PathOf(address))];
        }
        finally
        {
            File.Delete(RingFile.PathOf(address));
        }
    }

    private static void ReadRing(byte[] bytes)
    {
        var address = IpcAddress.Parse($"ring:/strength-fuzz-{Environment.ProcessId}");
        var path = RingFile.PathOf(address);
        File.WriteAllBytes(path, bytes);
        try
        {
            using var ring = MessageRing.Open(address, wait: Deadline.Immediate);
            var message = new MessageBuffer();
            for (var i = 0; i < 3; i++) ring.Receive(message, default, Deadline.Immediate);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void ReadSocketLine(byte[] bytes)
    {
        var line = Encoding.UTF8.GetString(bytes);
        ProcNetTable.Parse(line);
        ProcNetTable.ParseUnix(line);
    }

    private static void ReadStat(byte[] bytes) => ProcessStat.Parse(bytes);

    private static void ReadMaps(byte[] bytes)
    {
        ReadOnlySpan<byte> maps = bytes;
        while (Mapping.TryNext(ref maps, out _))
        {
        }
    }
}
