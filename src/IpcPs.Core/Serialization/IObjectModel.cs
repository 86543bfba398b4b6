namespace IpcPs.Serialization;

/// <summary>What the codec leaves to its host: how objects that CBOR has no word for become bags of properties, and what a bag becomes. The
/// core's own model is <see cref="ReflectionModel"/>; the PowerShell module has one for PSObjects.</summary>
public interface IObjectModel
{
    /// <summary>Writes a value that the codec does not know itself: by <see cref="ObjectEncoder.BeginBag"/> and its kin, or by
    /// <see cref="ObjectEncoder.Write"/> of something that it does know. Exactly one item must be written.</summary>
    /// <param name="encoder">Where to.</param>
    /// <param name="value">The value, never null.</param>
    void Write(ObjectEncoder encoder, object value);

    /// <summary>Makes an empty bag.</summary>
    /// <param name="capacity">How many properties to expect; a hint that is never more than the message can hold.</param>
    object CreateBag(int capacity);

    /// <summary>Adds a property to a bag.</summary>
    /// <param name="bag">What <see cref="CreateBag"/> returned.</param>
    /// <param name="name">Its name, never empty.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False where the bag has a property of that name already; the message is then refused.</returns>
    bool AddProperty(object bag, string name, object? value);

    /// <summary>Finishes a bag that has type names.</summary>
    /// <param name="bag">The bag, with all its properties.</param>
    /// <param name="typeNames">Its type names, most specific first.</param>
    /// <param name="text">Its ToString; null for none.</param>
    /// <param name="isCopy">Whether the bag is what is left of an object of that type, rather than a custom object that was given a name.</param>
    /// <returns>What the receiver gets.</returns>
    object CompleteBag(object bag, IReadOnlyList<string> typeNames, string? text, bool isCopy);

    /// <summary>Adds properties and type names to a value that is no bag.</summary>
    /// <param name="value">The value.</param>
    /// <param name="typeNames">Further type names, or none.</param>
    /// <param name="bag">A bag with the properties.</param>
    /// <returns>What the receiver gets.</returns>
    object Decorate(object value, IReadOnlyList<string> typeNames, object bag);
}
