using System.Globalization;
using IpcPs.Inventory;
using IpcPs.Mechanisms;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands;

/// <summary>What -Force means to the commands that create an object: an object that exists already is used, if it is what would have been
/// created.</summary>
internal static class ExistingObject
{
    // Another process may remove the object between the two attempts, and create it again between the next two.
    private const int Attempts = 10;

    /// <summary>Creates the object, or opens the one that has its address.</summary>
    /// <param name="address">The address; null for an object that gets its own, which cannot exist yet.</param>
    /// <param name="force">Whether one that exists is used.</param>
    /// <param name="mode">The permissions that it must have; null where the user did not name any.</param>
    /// <param name="create">Creates it.</param>
    /// <param name="differences">How one that exists differs, of <see cref="Difference{T}"/>.</param>
    /// <param name="cancellation">Cancels opening.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>: it exists, and differs or <paramref name="force"/> is
    /// false; what create and open throw.</exception>
    public static T CreateOrOpen<T>(IpcAddress? address, bool force, IpcMode? mode, Func<T> create,
        Func<T, IEnumerable<string?>> differences, CancellationToken cancellation)
        where T : IpcObject, IIpcPermissions
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return create();
            }
            catch (IpcException e) when (force && address is not null && e.Id == IpcErrors.AlreadyExists && attempt < Attempts)
            {
                if (OpenExisting(address, mode, differences, cancellation) is { } opened) return opened;
            }
        }
    }

    /// <summary>How one property differs; null where it does not.</summary>
    public static string? Difference<T>(string what, T actual, T wanted) =>
        EqualityComparer<T>.Default.Equals(actual, wanted) ? null
        : string.Create(CultureInfo.InvariantCulture, $"its {what} is {actual} and not {wanted}");

    /// <returns>Null if it was removed meanwhile.</returns>
    private static T? OpenExisting<T>(
        IpcAddress address, IpcMode? mode, Func<T, IEnumerable<string?>> differences, CancellationToken cancellation)
        where T : IpcObject, IIpcPermissions
    {
        IpcObject? opened = null;
        try
        {
            opened = IpcMechanisms.Open(address, default, cancellation);
            if (opened is not T existing) throw Differs(address, $"it is a {opened.Kind}");
            // Where every user can create names, another user may have created this one, and would get what is sent to it.
            string?[] all =
            [
                Difference("owner", existing.Owner, IpcInventory.CurrentUser),
                mode is { } wanted ? Difference("mode", new IpcMode(existing.Mode), wanted) : null,
                .. differences(existing),
            ];
            if (Array.Exists(all, static d => d is not null)) throw Differs(address, string.Join(", ", all.OfType<string>()));
            opened = null;
            return existing;
        }
        catch (IpcException e) when (e.Id == IpcErrors.NotFound || e.Id == IpcErrors.Removed)
        {
            return null;
        }
        finally
        {
            opened?.Dispose();
        }
    }

    private static IpcException Differs(IpcAddress address, string how) =>
        new(IpcErrors.AlreadyExists, $"'{address}' exists already, and is not what -Force would create: {how}.", address.Text,
            "Use Open-IpcObject to use it as it is, or Remove-IpcObject to create it again.");
}
