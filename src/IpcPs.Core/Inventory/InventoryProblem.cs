namespace IpcPs.Inventory;

/// <summary>Something that a listing could not see.</summary>
/// <param name="Topic">What kind of thing it is: the same word whenever the same is missing.</param>
/// <param name="Text">What, why, and what would help.</param>
public sealed record InventoryProblem(string Topic, string Text);
