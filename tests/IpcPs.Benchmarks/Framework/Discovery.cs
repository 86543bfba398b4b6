namespace IpcPs.Benchmarks.Framework;

/// <summary>Finds what implements an interface in this assembly, and can be created without arguments.</summary>
internal static class Discovery
{
    public static IEnumerable<T> All<T>() =>
        typeof(Discovery).Assembly.GetTypes()
            .Where(static t => t.IsClass && !t.IsAbstract && t.IsAssignableTo(typeof(T)) && t.GetConstructor(Type.EmptyTypes) is not null)
            .OrderBy(static t => t.FullName, StringComparer.Ordinal).Select(static t => (T)Activator.CreateInstance(t)!);
}
