using IpcPs.Serialization.Cbor;

namespace IpcPs.Serialization;

/// <summary>Refuses keys that were chosen to have the same hash: a table of them would take hours to fill. .NET protects strings by itself.</summary>
internal static class HashCollisionGuard
{
    /// <summary>So many colliding keys cost nothing worth noticing.</summary>
    private const int Harmless = 2048;

    public static void Check(List<object?> keys, int every = 1)
    {
        if (keys.Count / every <= Harmless) return;
        var hashes = new Dictionary<int, int>();
        for (var i = 0; i < keys.Count; i += every)
        {
            if (keys[i] is null or string) continue;
            // Spread, because the hashes themselves could be chosen to collide in this dictionary.
            var hash = HashCode.Combine(keys[i]!.GetHashCode());
            var seen = hashes.GetValueOrDefault(hash) + 1;
            if (seen > Harmless) throw CborError.Invalid("too many keys of a dictionary have the same hash");
            hashes[hash] = seen;
        }
    }
}
