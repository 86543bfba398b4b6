using System.IO.MemoryMappedFiles;

namespace IpcPs.Tests.Rings;

/// <summary>Where a process that will be killed notes what it did, in memory that outlives it: a writer the last message whose send
/// returned, a reader every message whose receive returned.</summary>
internal sealed unsafe class CrashLedger : IDisposable
{
    public const int MaxMessages = 4_000_000;

    private readonly FileStream _file;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long* _words;

    public CrashLedger(string path)
    {
        Path = path;
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (_file.Length == 0) _file.SetLength((MaxMessages + 1L) * 8);
        _map = MemoryMappedFile.CreateFromFile(_file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None,
            leaveOpen: true);
        _view = _map.CreateViewAccessor();
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _words = (long*)start;
    }

    public string Path { get; }

    /// <summary>How many messages were sent, or received.</summary>
    public long Count => Volatile.Read(ref _words[0]);

    public IEnumerable<long> Received => Enumerable.Range(1, (int)Count).Select(i => At(i));

    public void Sent(long number) => Volatile.Write(ref _words[0], number);

    public void Note(long message)
    {
        var next = Count + 1;
        if (next > MaxMessages) Thread.Sleep(Timeout.Infinite);
        _words[next] = message;
        Volatile.Write(ref _words[0], next);
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        _file.Dispose();
        File.Delete(Path);
    }

    private long At(int index) => _words[index];
}
