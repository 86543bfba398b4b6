using System.Collections.Concurrent;
using IpcPs.Locks;
using IpcPs.Mechanisms;
using Xunit;

namespace IpcPs.Tests.Locks;

/// <summary>What happens to a mutex when its file does.</summary>
public sealed partial class LockTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_mutex_that_was_made_again_under_its_name_has_one_holder(bool renamed)
    {
        using var first = (IpcMutex)Create("mutex");
        using var waiter = (IpcMutex)Open(first);
        using var idle = Open(first);
        using var folder = new TemporaryFolder();
        var ends = new ConcurrentQueue<string>();
        first.Acquire();
        using var begun = new ManualResetEventSlim();
        var waiting = Task.Run(() =>
        {
            begun.Set();
            waiter.Acquire(LockOptionsOf(this));
            ends.Enqueue("acquired");
        });
        begun.Wait();
        if (renamed) File.Move(first.Address.Path!, folder.File("old"));
        else IpcMechanisms.For(IpcScheme.Mutex).Remove(first.Address);
        using var second = IpcMutex.Create(first.Address, isRecursive: true);
        second.Acquire();
        first.Release();

        // The file that they have open is free now, and guards nothing.
        Assert.Equal(IpcErrors.Locked, Assert.Throws<IpcException>(() => idle.Acquire(Deadline.Immediate)).Id);
        Assert.Equal(IpcErrors.Locked, Assert.Throws<IpcException>(() => first.Acquire(Deadline.Immediate)).Id);
        ends.Enqueue("released");
        second.Release();
        await waiting;
        Assert.Equal(["released", "acquired"], ends);
        Assert.True(waiter.IsRecursive);
        waiter.Acquire(LockOptionsOf(this));
        waiter.Release();
        Assert.Equal(IpcErrors.Locked, Assert.Throws<IpcException>(() => second.Acquire(Deadline.Immediate)).Id);
        waiter.Release();
        second.Acquire(Deadline.Immediate);
    }

    [Fact]
    public void A_mutex_s_file_that_is_a_link_is_refused()
    {
        using var mutex = Create("mutex");
        using var other = Create("mutex");
        var path = mutex.Address.Path!;
        IpcMechanisms.For(IpcScheme.Mutex).Remove(mutex.Address);
        File.CreateSymbolicLink(path, other.Address.Path!);
        foreach (var attempt in new Action[] { () => Open(mutex), () => mutex.Acquire() })
        {
            var error = Assert.Throws<IpcException>(attempt);
            Assert.Equal(("IpcWrongKind", IpcErrorCategory.InvalidOperation), (error.Id.Name, error.Id.Category));
            Assert.Equal($"'{path}' is not a regular file.", error.Message);
        }
        other.Acquire(Deadline.Immediate);
    }

    private static LockOptions LockOptionsOf(object holder) => new() { Holder = holder };

    private sealed class TemporaryFolder : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("ipcps-test-").FullName;

        public string File(string name) => Path.Combine(_path, name);

        public void Dispose() => Directory.Delete(_path, recursive: true);
    }
}
