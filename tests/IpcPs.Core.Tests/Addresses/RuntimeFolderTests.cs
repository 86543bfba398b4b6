using IpcPs.Inventory;
using IpcPs.Linux;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Sockets;
using IpcPs.Tests.Sockets;
using Xunit;

namespace IpcPs.Tests.Addresses;

public sealed class RuntimeFolderTests : IDisposable
{
    private static readonly IpcScheme[] Schemes = [IpcScheme.Fifo, IpcScheme.Unix, IpcScheme.Mutex];

    private readonly OwnRuntimeFolder _place = new();
    private readonly string _folder = RuntimeFolder.Ensure();

    public void Dispose() => _place.Dispose();

    [RootFact]
    public void A_folder_of_another_user_is_used_by_nothing()
    {
        RefusesEverything("belongs to the user nobody", () => Libc.lchown(_folder, 65534, 65534));
    }

    [Fact]
    public void A_link_to_a_folder_is_used_by_nothing()
    {
        RefusesEverything("is not a folder, or is a link to one", () =>
        {
            Directory.Move(_folder, _folder + ".moved");
            Directory.CreateSymbolicLink(_folder, _folder + ".moved");
        });
    }

    [Theory]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void A_folder_that_others_can_write_is_used_by_nothing(UnixFileMode others)
    {
        RefusesEverything("can be written by other users, who may have put objects into it",
            () => File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | others));
    }

    [Fact]
    public void A_folder_that_others_can_only_enter_is_closed_to_them()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0x1ED);
        NamedPipe.Create(IpcAddress.Parse("fifo:f")).Dispose();
        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(_folder));
    }

    private void RefusesEverything(string why, Action spoil)
    {
        using var pipe = NamedPipe.Create(IpcAddress.Parse("fifo:f"));
        using var listener = IpcSocket.Listen(IpcAddress.Parse("unix:s"));
        using var mutex = IpcMutex.Create(IpcAddress.Parse("mutex:m"));
        var files = Directory.GetFiles(_folder).Length;
        Assert.Equal(3, IpcInventory.List(Schemes, all: false, out _)
            .Count(i => i.File?.StartsWith(_folder, StringComparison.Ordinal) == true));
        spoil();

        var now = new WaitOptions(Deadline.Immediate);
        foreach (var address in new[] { pipe.Address, listener.Address, mutex.Address })
        {
            var mechanism = IpcMechanisms.For(address.Scheme);
            Refused(address, () => mechanism.Open(address, default, now));
            Refused(address, () => mechanism.Open(address, new OpenOptions { Wait = true }, now));
            Refused(address, () => mechanism.WaitUntilExists(address, now));
            Refused(address, () => mechanism.Remove(address));
            Assert.DoesNotContain(address, mechanism.Known().Where(a => a.Scheme != IpcScheme.Unix));
        }
        var other = IpcAddress.Parse("fifo:f2");
        Refused(other, () => NamedPipe.Create(other));
        other = IpcAddress.Parse("mutex:m2");
        Refused(other, () => IpcMutex.Create(other));
        other = IpcAddress.Parse("unix:s2");
        Assert.Equal(IpcErrors.AccessDenied, Assert.Throws<IpcException>(() => IpcSocket.Listen(other)).Id);
        // An end that was opened before, and opens the file at its first use.
        Refused(pipe.Address, () => pipe.Send("secret"u8, default, now));
        Assert.Equal(files, Directory.GetFiles(_folder).Length);

        var listed = IpcInventory.List(Schemes, all: false, out var problems);
        Assert.DoesNotContain(listed, i => i.Address.Equals(pipe.Address) || i.Address.Equals(mutex.Address));
        Assert.Equal($"The runtime folder '{_folder}' {why}. It was not used.",
            Assert.Single(problems, static p => p.Topic == "runtime folder").Text);

        void Refused(IpcAddress address, Action action)
        {
            var error = Assert.Throws<IpcException>(action);
            Assert.Equal(("IpcAccessDenied", IpcErrorCategory.PermissionDenied, address.Text),
                (error.Id.Name, error.Id.Category, error.Target));
            Assert.Equal($"The runtime folder '{_folder}' {why}. It was not used.", error.Message);
            Assert.Equal("Remove it, or set XDG_RUNTIME_DIR to a folder that only you can write.", error.RecommendedAction);
        }
    }
}
