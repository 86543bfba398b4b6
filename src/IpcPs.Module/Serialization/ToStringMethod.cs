using System.Collections.ObjectModel;
using System.Management.Automation;

namespace IpcPs.Module.Serialization;

/// <summary>The ToString of a copy: gives what the original's gave. A method of the object is what PowerShell asks before it makes a text of the
/// properties, also for "$copy"; its own deserializer adds one too.</summary>
internal sealed class ToStringMethod : PSMethodInfo
{
    public const string MethodName = "ToString";

    public ToStringMethod(string text)
    {
        Text = text;
        SetMemberName(MethodName);
    }

    /// <summary>What it gives.</summary>
    public string Text { get; }

    public override Collection<string> OverloadDefinitions => ["string ToString()"];

    public override PSMemberTypes MemberType => PSMemberTypes.CodeMethod;

    public override string TypeNameOfValue => typeof(ToStringMethod).FullName!;

    public override object Invoke(params object[] arguments) => Text;

    public override PSMemberInfo Copy() => new ToStringMethod(Text);

    public override string ToString() => OverloadDefinitions[0];
}
