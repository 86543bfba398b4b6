using IpcPs.Proc;

namespace IpcPs.Connections;

/// <summary>Joins the pipes and sockets between a job and the process that started it to one connection, which is called a job.</summary>
internal static class JobLinks
{
    public static List<IpcConnection> Join(List<IpcConnection> connections)
    {
        var parents = new Dictionary<int, int>();
        var joined = new Dictionary<int, IpcConnection>();
        var rest = new List<IpcConnection>();
        foreach (var connection in connections)
        {
            if (!connection.IsUnnamed || connection.State != IpcConnectionState.Open || JobOf(connection) is not var (job, parent))
            {
                rest.Add(connection);
                continue;
            }
            joined[job.ProcessId] = new IpcConnection
            {
                From = parent,
                To = job,
                Kind = "job",
                AddressText = $"job {job.Job}".TrimEnd(),
                Direction = IpcConnectionDirection.Both,
                Depth = joined.TryGetValue(job.ProcessId, out var before) ? before.Depth + (connection.Depth ?? 0) : connection.Depth ?? 0,
                DepthUnit = ConnectionScan.Bytes,
                IsUnnamed = true,
            };
        }
        return [.. rest, .. joined.Values];

        (ConnectedProcess Job, ConnectedProcess Parent)? JobOf(IpcConnection connection) =>
            IsChild(connection.From, connection.To) ? (connection.From, connection.To)
            : IsChild(connection.To, connection.From) ? (connection.To, connection.From) : null;

        bool IsChild(ConnectedProcess job, ConnectedProcess parent)
        {
            if (job.Job is null) return false;
            if (!parents.TryGetValue(job.ProcessId, out var id))
                parents[job.ProcessId] = id = ProcessStat.TryRead(job.ProcessId)?.ParentId ?? 0;
            return id == parent.ProcessId;
        }
    }
}
