using IpcPs.Inventory;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Queues;
using IpcPs.Rings;
using IpcPs.SharedMemory;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Addresses;

/// <summary>Every object's address is one that another process can parse.</summary>
public sealed class ObjectAddressTests : IDisposable
{
    private readonly OwnRuntimeFolder _place = new();
    private readonly List<IpcObject> _objects = [];

    public void Dispose()
    {
        foreach (var made in _objects)
        {
            made.Dispose();
            try
            {
                IpcMechanisms.For(made.Address.Scheme).Remove(made.Address);
            }
            catch (IpcException)
            {
                // It ends with its processes, or is gone.
            }
        }
        _place.Dispose();
    }

    [Fact]
    public void The_address_of_an_object_of_any_kind_parses_to_the_same()
    {
        var name = $"ipcps-test-{Guid.NewGuid():N}";
        IpcAddress Named(string scheme) => IpcAddress.Parse($"{scheme}:{name}");
        var key = IpcAddress.Parse($"sysvmq:{_place.Root}#A");
        var duplex = DuplexPipe.Create();
        IpcObject[] made =
        [
            AnonymousPipe.Create(), duplex, duplex.Near, duplex.Far, NamedPipe.Create(Named("fifo")), PosixQueue.Create(Named("mq")),
            SysVQueue.Create(), SysVQueue.Create(key.Key), MessageRing.Create(Named("ring"), new RingOptions { Capacity = 65536 }),
            PosixSharedMemory.Create(Named("shm"), 10), AnonymousMemory.Create(10), SysVSharedMemory.Create(null, 10),
            MappedFile.Create(IpcAddress.Parse($"file:{_place.Root}/f"), 10), PosixSemaphore.Create(Named("sem")),
            SysVSemaphoreSet.Create(null), IpcMutex.Create(Named("mutex")),
        ];
        _objects.AddRange(made);
        foreach (var one in made) AddressPropertyTests.AssertReadable(one.Address);
    }

    [Theory]
    [InlineData("tcp:127.0.0.1:0")]
    [InlineData("tcp:[::1]:0")]
    [InlineData("unix:s")]
    [InlineData("unix:a?type=datagram?type=stream")]
    [InlineData("unix:@NAME?type=seqpacket")]
    public void Both_ends_of_a_connection_have_such_an_address(string address)
    {
        var unique = address.Replace("NAME", $"{Guid.NewGuid():N}", StringComparison.Ordinal);
        var listener = (SocketListener)IpcSocket.Listen(IpcAddress.Parse(unique));
        _objects.Add(listener);
        var client = IpcSocket.Connect(listener.Address);
        var server = listener.Accept(Deadline.After(TimeSpan.FromMinutes(1)));
        _objects.InsertRange(0, [client, server]);
        foreach (var one in new[] { listener, client, server }) AddressPropertyTests.AssertReadable(one.Address);
        Assert.Equal(listener.Address, client.Address);
        var listed = IpcInventory.List([IpcScheme.Unix], all: false, out _);
        if (listener.Address.Scheme == IpcScheme.Unix) Assert.Contains(listed, i => i.Address.Equals(listener.Address));
    }

    [Needs("python3")]
    public void A_socket_whose_name_no_address_can_have_is_not_taken_for_another_one()
    {
        // A relative path; an abstract name that is not UTF-8; a path with the mark of an abstract name in the runtime folder.
        using var peer = Peer.StartPython("""
            import os, socket, sys
            folder, unique = sys.argv[1:]
            os.chdir(folder)
            sockets = []
            for name in ('relative', '@marked', '\0' + unique, b'\0' + unique.encode() + b'\xff'):
                s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                s.bind(name)
                sockets.append(s)
            server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            server.bind(os.path.join(folder, '@whole'))
            print('ready', flush=True)
            for s in sockets: s.sendto(b'hello', sys.stdin.readline().strip())
            print('sent', flush=True)
            sys.stdin.read()
            """, RuntimeFolder.Ensure(), $"ipcps-test-{Guid.NewGuid():N}");
        Assert.Equal("ready", peer.ReadLine());
        var listener = IpcSocket.Listen(IpcAddress.Parse("unix:server?type=datagram"));
        _objects.Add(listener);
        for (var i = 0; i < 4; i++) peer.Input.WriteLine(listener.Address.Path);
        peer.Input.Flush();
        Assert.Equal("sent", peer.ReadLine());
        var senders = new List<IpcAddress>();
        var message = new MessageBuffer();
        for (var i = 0; i < 4; i++)
        {
            Assert.True(listener.Receive(message, default, Deadline.After(TimeSpan.FromMinutes(1))));
            senders.Add(message.ReplyChannel!.Address);
        }
        Assert.Equal([listener.Address, listener.Address, senders[2], listener.Address], senders);
        Assert.True(senders[2].IsAbstract);

        var whole = Assert.Single(IpcInventory.List([IpcScheme.Unix], all: true, out _),
            static i => i.Address.Path?.EndsWith("/@whole", StringComparison.Ordinal) == true);
        AddressPropertyTests.AssertReadable(whole.Address);
        Assert.DoesNotContain(IpcInventory.List([IpcScheme.Unix], all: true, out _), static i => i.Address.Name == "whole");
    }
}
