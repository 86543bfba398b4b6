using System.Net.Sockets;
using IpcPs.Inventory;
using Xunit;

namespace IpcPs.Tests.Inventory;

public sealed class SocketInventoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ipcps-names-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_name_that_makes_lines_of_its_own_in_the_kernels_table_does_not_end_the_listing()
    {
        // /proc/net/unix prints a name as it is, so any user can write lines into that table.
        Directory.CreateDirectory($"{_folder}/x\n1 2 3 zz zz 01 4 ");
        using var hostile = Listen($"{_folder}/x\n1 2 3 zz zz 01 4 /y");
        using var other = Listen($"{_folder}/other");
        var found = IpcInventory.List([IpcScheme.Unix], all: false, out _);
        Assert.Contains(found, o => o.Address.Path == $"{_folder}/other");
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        return socket;
    }
}
