using IpcPs.Ssh;
using Xunit;

namespace IpcPs.Tests.Ssh;

public sealed class SshTargetTests
{
    [Theory]
    [InlineData("web1", "web1", null, null)]
    [InlineData("ada@web1", "web1", "ada", null)]
    [InlineData("ada@web1:2222", "web1", "ada", 2222)]
    [InlineData("[2001:db8::1]:2222", "2001:db8::1", null, 2222)]
    [InlineData("2001:db8::1", "2001:db8::1", null, null)]
    [InlineData("a@b@web1", "web1", "a@b", null)]
    public void A_host_is_read(string text, string host, string? user, int? port)
    {
        var target = SshTarget.Parse(text);
        Assert.Equal((host, user, port), (target.HostName, target.UserName, target.Port));
    }

    [Fact]
    public void What_the_host_s_text_says_counts_more() =>
        Assert.Equal(("ada", 22), (SshTarget.Parse("ada@web1:22", "eve", 2222).UserName, SshTarget.Parse("web1:22", null, 2222).Port));

    [Theory]
    [InlineData("")]
    [InlineData("-oProxyCommand=x")]
    [InlineData("-l@web1")]
    [InlineData("web 1")]
    [InlineData("web1:")]
    [InlineData("web1:0")]
    [InlineData("web1:65536")]
    [InlineData("web1\n")]
    public void What_is_no_host_is_refused(string text)
    {
        var error = Assert.Throws<IpcException>(() => SshTarget.Parse(text));
        Assert.Equal(IpcErrors.InvalidArgument, error.Id);
    }
}
