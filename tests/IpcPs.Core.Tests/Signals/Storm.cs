namespace IpcPs.Tests.Signals;

/// <summary>Runs one garbage collection after another, and eight threads that allocate.</summary>
internal sealed class Storm : IDisposable
{
    private readonly Thread[] _threads;
    private long _allocated;
    private volatile bool _isOver;

    public Storm()
    {
        _threads = [.. Enumerable.Range(0, 9).Select(n => new Thread(n == 0 ? Collect : Allocate) { IsBackground = true })];
        foreach (var thread in _threads) thread.Start();
    }

    public void Dispose()
    {
        _isOver = true;
        foreach (var thread in _threads) thread.Join();
    }

    private void Collect()
    {
        while (!_isOver)
        {
            // The other threads run between two collections. Otherwise the collections would stop them for minutes on few cores.
            var before = Volatile.Read(ref _allocated);
            GC.Collect();
            SpinWait.SpinUntil(() => _isOver || Volatile.Read(ref _allocated) > before + 8);
        }
    }

    private void Allocate()
    {
        while (!_isOver)
        {
            GC.KeepAlive(new byte[Random.Shared.Next(100, 100_000)]);
            Interlocked.Increment(ref _allocated);
        }
    }
}
