using System.Security;

namespace IpcPs.Serialization;

/// <summary>Says how objects that format Object has no form for are sent as property bags, and what a property bag becomes when it arrives.
/// C# programs use <see cref="ReflectionModel"/>. The PowerShell module has a model for PSObjects.</summary>
public interface IObjectModel
{
    /// <summary>Writes a value that the encoder has no form for: with <see cref="ObjectEncoder.BeginBag"/> and similar methods, or with
    /// <see cref="ObjectEncoder.Write"/> of another value in its place. Exactly one item must be written.</summary>
    /// <param name="encoder">The encoder to write to.</param>
    /// <param name="value">The value, never null.</param>
    void Write(ObjectEncoder encoder, object value);

    /// <summary>Creates an empty property bag.</summary>
    /// <param name="capacity">How many properties to expect: never more than the message can contain.</param>
    object CreateBag(int capacity);

    /// <summary>Adds a property to a property bag.</summary>
    /// <param name="bag">What <see cref="CreateBag"/> returned.</param>
    /// <param name="name">Its name, never empty.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False if the bag already has a property of that name. The message is then refused.</returns>
    bool AddProperty(object bag, string name, object? value);

    /// <summary>Completes a property bag that has type names.</summary>
    /// <param name="bag">The bag, with all its properties.</param>
    /// <param name="typeNames">Its type names, most specific first.</param>
    /// <param name="text">What its ToString returns; null if it has no text of its own.</param>
    /// <param name="isCopy">True for the copy of an object of that type, false for a custom object that was given the type names.</param>
    /// <returns>The object that the receiver gets.</returns>
    object CompleteBag(object bag, IReadOnlyList<string> typeNames, string? text, bool isCopy);

    /// <summary>Creates PowerShell's SwitchParameter.</summary>
    object CreateSwitch(bool isPresent);

    /// <summary>Creates a credential.</summary>
    /// <param name="userName">The user; empty or null in an empty credential.</param>
    /// <param name="password">The password; null in an empty credential.</param>
    object CreateCredential(string? userName, SecureString? password);

    /// <summary>Creates an object of a type that only this model knows. It comes from a fixed list, never from a name.</summary>
    /// <param name="code">The number of the type in that list, as <see cref="ObjectEncoder.BeginRestored"/> got it.</param>
    /// <param name="value">What was sent of the object: mostly a copy of its properties.</param>
    /// <returns>The object; the value itself if the model does not know the code, or if the value does not fit.</returns>
    object? Restore(int code, object? value);

    /// <summary>Adds properties and type names to a value that is not a property bag.</summary>
    /// <param name="value">The value.</param>
    /// <param name="typeNames">The type names to add; may be empty.</param>
    /// <param name="bag">A bag with the properties to add.</param>
    /// <returns>The object that the receiver gets.</returns>
    object AddMembers(object value, IReadOnlyList<string> typeNames, object bag);
}
