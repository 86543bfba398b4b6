using System.Globalization;
using IpcPs.Inventory;

namespace IpcPs.Proc;

/// <summary>A System V object as /proc/sysvipc lists it (proc(5)): all of this IPC namespace, whoever may use them.</summary>
internal sealed class SysVRow
{
    private readonly Dictionary<string, int> _columns;
    private readonly string[] _fields;

    private SysVRow(Dictionary<string, int> columns, string[] fields)
    {
        _columns = columns;
        _fields = fields;
    }

    public long this[string column] => _columns.TryGetValue(column, out var at) ? long.Parse(_fields[at], CultureInfo.InvariantCulture) : 0;

    public UnixFileMode Mode => (UnixFileMode)(Convert.ToInt32(_fields[_columns["perms"]], 8) & 0x1FF);

    public uint UserId => (uint)this["uid"];

    public uint GroupId => (uint)this["gid"];

    public DateTime? Time(string column) => this[column] is var seconds and > 0 ? DateTimeOffset.FromUnixTimeSeconds(seconds).LocalDateTime : null;

    public static List<SysVRow> Read(string kind, InventoryScan scan)
    {
        var path = "/proc/sysvipc/" + kind;
        try
        {
            var lines = File.ReadAllLines(path);
            var columns = Split(lines[0]).Select(static (name, at) => (name, at)).ToDictionary(static p => p.name, static p => p.at, StringComparer.Ordinal);
            return [.. lines.Skip(1).Select(l => new SysVRow(columns, Split(l)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            scan.Missed(path, $"System V objects are not listed: {path} can't be read ({e.Message})");
            return [];
        }
    }

    /// <summary>The address: the key, or the id of an object without one.</summary>
    public IpcAddress Address(IpcScheme scheme, string idColumn)
    {
        var key = this["key"];
        var text = key != 0 ? SysVKey.FromNumber((int)key) : SysVKey.FromId((int)this[idColumn]);
        return IpcAddress.Parse($"{AddressParser.Word(scheme)}:{text}");
    }

    private static string[] Split(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
