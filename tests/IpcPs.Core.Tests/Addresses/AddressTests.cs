using IpcPs.Pipes;
using Xunit;

namespace IpcPs.Tests.Addresses;

public class AddressTests
{
    [Theory]
    [InlineData("pipe:4711/12", "pipe:4711/12")]
    [InlineData("pipe:4711/12,13", "pipe:4711/12,13")]
    [InlineData("fd:3", "fd:3")]
    [InlineData("fd:3,4", "fd:3,4")]
    [InlineData("FIFO:greetings", "fifo:greetings")]
    [InlineData("fifo://tmp//x/", "fifo:/tmp/x")]
    [InlineData("mq:/jobs", "mq:/jobs")]
    [InlineData("mq:jobs", "mq:/jobs")]
    [InlineData("sysvmq:0x2A", "sysvmq:0x2a")]
    [InlineData("sysvmq:42", "sysvmq:0x2a")]
    [InlineData("sysvmq:/etc/passwd#7", "sysvmq:/etc/passwd#7")]
    [InlineData("sysvsem:/etc/passwd#A", "sysvsem:/etc/passwd#65")]
    [InlineData("sysvshm:id=98304", "sysvshm:id=98304")]
    [InlineData("unix:/tmp/x.sock", "unix:/tmp/x.sock")]
    [InlineData("unix:@hidden?type=seqpacket", "unix:@hidden?type=seqpacket")]
    [InlineData("unix:x?type=stream", "unix:x")]
    [InlineData("unix:/tmp/a?b?type=stream", "unix:/tmp/a?b?type=stream")]
    [InlineData("unix:a?b?type=datagram", "unix:a?b?type=datagram")]
    [InlineData("tcp:127.0.0.1:0", "tcp:127.0.0.1:0")]
    [InlineData("tcp:localhost:80", "tcp:127.0.0.1:80")]
    [InlineData("udp:[::1]:5000", "udp:[::1]:5000")]
    [InlineData("sem:/s", "sem:/s")]
    [InlineData("mutex:m", "mutex:m")]
    [InlineData("nats:jobs", "nats:jobs")]
    [InlineData("NATS://Broker:4222/jobs", "nats://broker/jobs")]
    [InlineData("nats://a,b:4333/jobs", "nats://a,b:4333/jobs")]
    [InlineData("tls://[::1]:5/a.*.>?type=TOPIC", "tls://[::1]:5/a.*.>?type=topic")]
    public void An_address_prints_in_its_one_spelling(string text, string canonical)
    {
        var address = IpcAddress.Parse(text);
        Assert.Equal(canonical, address.ToString());
        Assert.Equal(address, IpcAddress.Parse(canonical));
    }

    [Theory]
    [InlineData("jobs", "mq:/jobs")]
    [InlineData("/jobs", "mq:/jobs")]
    [InlineData("a:b", "mq:/a:b")]
    [InlineData("mq:/jobs", "mq:/jobs")]
    [InlineData("MQ:jobs", "mq:/jobs")]
    public void A_name_or_a_whole_address_gives_the_address(string name, string canonical) =>
        Assert.Equal(canonical, IpcAddress.OfName(IpcScheme.Mq, name).Text);

    [Fact]
    public void A_wrong_address_in_place_of_a_name_is_quoted_as_it_was_given()
    {
        var error = Assert.Throws<IpcException>(() => IpcAddress.OfName(IpcScheme.Mq, "mq:/a/b"));
        Assert.Equal("'mq:/a/b' is not a usable name: a name has no slash.", error.Message);
    }

    [Theory]
    [InlineData("", "IpcInvalidAddress")]
    [InlineData("jobs", "IpcInvalidAddress")]
    [InlineData("mqueue:/jobs", "IpcInvalidAddress")]
    [InlineData("pipe:12", "IpcInvalidAddress")]
    [InlineData("nats:", "IpcInvalidName")]
    [InlineData("nats:a.b", "IpcInvalidName")]
    [InlineData("nats:a..b?type=topic", "IpcInvalidName")]
    [InlineData("nats:a?type=stream", "IpcInvalidAddress")]
    [InlineData("nats://host", "IpcInvalidAddress")]
    [InlineData("nats://ho st/q", "IpcInvalidAddress")]
    [InlineData("nats://host:0/q", "IpcInvalidAddress")]
    [InlineData("tls://ann:secret@host/q", "IpcInvalidAddress")]
    [InlineData("pipe:x/1", "IpcInvalidAddress")]
    [InlineData("fd:-1", "IpcInvalidAddress")]
    [InlineData("mq:/", "IpcInvalidName")]
    [InlineData("mq:/a/b", "IpcInvalidName")]
    [InlineData("fifo:..", "IpcInvalidName")]
    [InlineData("fifo:/tmp/../etc/x", "IpcInvalidName")]
    [InlineData("fifo:a\0b", "IpcInvalidName")]
    [InlineData("sysvmq:0", "IpcInvalidAddress")]
    [InlineData("sysvmq:/no/hash", "IpcInvalidAddress")]
    [InlineData("sysvmq:/etc/passwd#\0", "IpcInvalidName")]
    [InlineData("sysvsem:/etc/\0passwd#7", "IpcInvalidName")]
    [InlineData("sysvshm:42\0", "IpcInvalidName")]
    [InlineData("fd:3\0", "IpcInvalidName")]
    [InlineData("tcp:127.0.0.1:80\0", "IpcInvalidName")]
    [InlineData("unix:/tmp/a?b", "IpcInvalidAddress")]
    [InlineData("tcp:8.8.8.8:53", "IpcInvalidAddress")]
    [InlineData("tcp:127.0.0.1:99999", "IpcInvalidAddress")]
    [InlineData("tcp:[::ffff:127.0.0.1]:1", "IpcInvalidAddress")]
    [InlineData("unix:x?type=raw", "IpcInvalidAddress")]
    [InlineData("unix:=datagram", "IpcInvalidAddress")]
    [InlineData("unix:@srv-=seqpacket", "IpcInvalidAddress")]
    [InlineData("unix:/tmp/=Stream", "IpcInvalidAddress")]
    public void A_wrong_address_is_refused_by_name(string text, string id) =>
        Assert.Equal(id, Assert.Throws<IpcException>(() => IpcAddress.Parse(text)).Id.Name);

    [Theory]
    [InlineData("mq:/", 255)]
    [InlineData("sem:/", 251)]
    [InlineData("fifo:", 255)]
    [InlineData("unix:@", 107)]
    public void A_name_may_have_as_many_bytes_as_the_kernel_keeps(string prefix, int longest)
    {
        IpcAddress.Parse(prefix + new string('x', longest));
        var error = Assert.Throws<IpcException>(() => IpcAddress.Parse(prefix + new string('x', longest + 1)));
        Assert.Equal("IpcNameTooLong", error.Id.Name);
        Assert.Contains($"{longest}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_would_be_another_one_in_the_kernel_is_explained()
    {
        Assert.Equal("'sysvmq:/p#?' is not a usable name: it contains the control character U+0000.",
            Assert.Throws<IpcException>(() => IpcAddress.Parse("sysvmq:/p#\0")).Message);
        Assert.Equal("'fifo:\udc00' is not a usable name: it contains half of a character.",
            Assert.Throws<IpcException>(() => IpcAddress.Parse("fifo:\udc00")).Message);
        Assert.Null(SysVKey.TryParse("/etc/passwd#\0"));
    }

    [Fact]
    public void A_runtime_folder_with_a_long_path_is_named_as_what_is_too_long()
    {
        using var place = new OwnRuntimeFolder(new string('x', 100));
        var folder = RuntimeFolder.Path;
        var error = Assert.Throws<IpcException>(() => IpcAddress.Parse("unix:s"));
        Assert.Equal(("IpcNameTooLong", IpcErrorCategory.InvalidArgument, "unix:s"), (error.Id.Name, error.Id.Category, error.Target));
        Assert.Equal($"The path of 'unix:s' has {folder.Length + 2} bytes, and the path of a Unix socket may have 107: "
            + $"the runtime folder '{folder}' takes {folder.Length + 1} of them.", error.Message);
        Assert.Equal("Set XDG_RUNTIME_DIR to a folder with a shorter path, choose a shorter name, or use an abstract name: 'unix:@NAME'.",
            error.RecommendedAction);
        // Only a socket has that limit.
        NamedPipe.Create(IpcAddress.Parse("fifo:f")).Dispose();
    }
}
