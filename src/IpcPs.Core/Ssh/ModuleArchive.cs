using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace IpcPs.Ssh;

/// <summary>Files that another host gets a copy of: as a compressed tar archive with a list of their SHA-256 sums. The hash of that list
/// names the copy, so another content is another copy.</summary>
public sealed class ModuleArchive
{
    private const string ListName = "SHA256SUMS";

    private readonly string _folder;
    private readonly string[] _files;
    private readonly byte[] _list;
    private readonly Lazy<byte[]> _archive;

    /// <summary>Reads the files.</summary>
    /// <param name="folder">The folder that their names are relative to.</param>
    /// <param name="files">Their names, with slashes.</param>
    public ModuleArchive(string folder, IEnumerable<string> files)
    {
        _folder = folder;
        _files = [.. files.Order(StringComparer.Ordinal)];
        // The format of sha256sum(1), which checks the copy.
        _list = Encoding.UTF8.GetBytes(string.Concat(_files.Select(f =>
            $"{Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, f)))).ToLowerInvariant()}  {f}\n")));
        Hash = Convert.ToHexString(SHA256.HashData(_list)).ToLowerInvariant();
        _archive = new Lazy<byte[]>(Write);
    }

    /// <summary>The hash of all names and contents.</summary>
    public string Hash { get; }

    /// <summary>The archive. It is made once, and only where a host has no copy.</summary>
    internal byte[] Content => _archive.Value;

    private byte[] Write()
    {
        using var result = new MemoryStream();
        using (var compressed = new GZipStream(result, CompressionLevel.Optimal, leaveOpen: true))
        using (var tar = new TarWriter(compressed, TarEntryFormat.Ustar))
        {
            foreach (var file in _files) Add(tar, file, File.ReadAllBytes(Path.Combine(_folder, file)));
            Add(tar, ListName, _list);
        }
        return result.ToArray();
    }

    private static void Add(TarWriter tar, string name, byte[] content) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name)
    {
        DataStream = new MemoryStream(content),
        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });
}
