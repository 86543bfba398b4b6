using IpcPs.Mechanisms;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Files;

public class InotifyTests
{
    [UserNamespaceTheory]
    [InlineData("max_inotify_instances", "inotify_init1", "EMFILE")]
    [InlineData("max_inotify_watches", "inotify_add_watch", "ENOSPC")]
    public void A_limit_of_inotify_is_named(string limit, string call, string errno)
    {
        var address = $"fifo:/tmp/ipcps-test-{Guid.NewGuid():N}";
        // In a user namespace the limit is that of the namespace, so that no other program is in want of it.
        var output = Peer.Run("unshare", "-Ur", "sh", "-c", $"echo 0 > /proc/sys/user/{limit} && exec \"$@\"", "sh",
            "dotnet", "exec", typeof(DotnetPeer).Assembly.Location, "wait-until-exists", address);
        Assert.Equal([
            "IpcLimitReached LimitsExceeded CheckLimits",
            $"{call} on '{address}' failed: this user has reached the limit user.{limit}, which is 0 ({errno}).",
            $"Raise it with 'sysctl user.{limit}=…', or end programs that use much of it.",
        ], output.Split('\n'));
    }

    [Needs("sh")]
    public void Descriptors_that_are_used_up_are_still_named_as_that()
    {
        var address = $"fifo:/tmp/ipcps-test-{Guid.NewGuid():N}";
        var output = Peer.Run("sh", "-c", "ulimit -n 256; exec \"$@\"", "sh",
            "dotnet", "exec", typeof(DotnetPeer).Assembly.Location, "wait-until-exists", address, "no-descriptor");
        Assert.Equal([
            "IpcLimitReached LimitsExceeded None",
            $"inotify_init1 on '{address}' failed: Too many open files (EMFILE).",
            "This process has RLIMIT_NOFILE descriptors open: close some, or raise it with 'ulimit -n'.",
        ], output.Split('\n'));
    }

    /// <summary>The process that waits: it prints its error.</summary>
    internal static void Wait(string address, bool useDescriptors)
    {
        var waited = IpcAddress.Parse(address);
        var mechanism = IpcMechanisms.For(waited.Scheme);
        // What .NET loads lazily needs descriptors too.
        var error = Attempt(mechanism, waited);
        List<Stream> files = [];
        if (useDescriptors)
        {
            try
            {
                while (true) files.Add(File.OpenRead("/dev/null"));
            }
            catch (IOException)
            {
                error = Attempt(mechanism, waited);
            }
        }
        files.ForEach(static f => f.Dispose());
        Console.WriteLine($"{error.Id} {error.Id.Category} {error.Advice}");
        Console.WriteLine(error.Message);
        Console.WriteLine(error.RecommendedAction);
    }

    private static IpcException Attempt(IpcMechanism mechanism, IpcAddress address) =>
        Assert.Throws<IpcException>(() => mechanism.WaitUntilExists(address, new(Deadline.Immediate)));
}

/// <summary>A test that needs a user namespace of its own (unshare(1)).</summary>
internal sealed class UserNamespaceTheoryAttribute : TheoryAttribute
{
    public UserNamespaceTheoryAttribute()
    {
        try
        {
            Peer.Run("unshare", "-Ur", "sh", "-c", "test -w /proc/sys/user/max_inotify_instances");
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            Skip = "No user namespace can be had here.";
        }
    }
}
