using System.Globalization;

namespace IpcPs.Proc;

/// <summary>The kernel's lists of System V objects, /proc/sysvipc/{msg,sem,shm}.</summary>
internal static class SysVTable
{
    /// <summary>The addresses of all objects of one list; none where it can't be read.</summary>
    /// <param name="table">The list: <c>shm</c>.</param>
    /// <param name="scheme">How its addresses begin: <c>sysvshm</c>.</param>
    public static List<IpcAddress> Addresses(string table, string scheme)
    {
        var addresses = new List<IpcAddress>();
        try
        {
            foreach (var line in File.ReadLines("/proc/sysvipc/" + table).Skip(1))
            {
                var fields = line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length < 2 || !int.TryParse(fields[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var key)) continue;
                // Private objects, whose key is 0, are found by their id.
                var text = key == 0 ? $"{scheme}:id={fields[1]}" : $"{scheme}:{SysVKey.FromNumber(key)}";
                if (IpcAddress.TryParse(text, out var address)) addresses.Add(address!);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing to offer then.
        }
        return addresses;
    }
}
