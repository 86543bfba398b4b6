using System.Collections;
using System.Management.Automation;
using System.Reflection;
using System.Xml;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Writes live objects. The receiver gets a copy of their properties and their text.</summary>
internal static class ObjectCopier
{
    /// <summary>Properties of exceptions that have no meaning in another process, or that contain the exception itself.</summary>
    private static readonly HashSet<string> ExcludedOfExceptions = new(StringComparer.Ordinal)
    {
        "TargetSite", "Data", "ErrorRecord", "CommandInvocation", "ErrorData", "WasThrownFromThrowStatement", "HelpLink",
    };

    public static void Write(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        switch (value)
        {
            case ScriptBlock script:
                encoder.WriteScriptText(script.ToString());
                break;
            case IpcAddress address:
                encoder.Write(address.Text);
                break;
            case IpcObject ipc:
                WriteIpcObject(encoder, ipc);
                break;
            case SwitchParameter present:
                encoder.WriteSwitch(present);
                break;
            case PSCredential credential:
                encoder.WriteCredential(typeof(PSCredential).FullName!, credential.UserName, credential.Password);
                break;
            case DBNull:
                encoder.Write(value);
                break;
            case XmlNode xml:
                WriteXml(encoder, xml);
                break;
            case IEnumerable items:
                encoder.WriteSequence(items);
                break;
            default:
                if (!EngineTypes.TryWrite(encoder, value, wrapped)) WriteObject(encoder, value, wrapped);
                break;
        }
    }

    /// <summary>The type names of a live object, most specific first.</summary>
    public static IReadOnlyList<string> TypeNames(PSObject wrapped)
    {
        var names = PSObjectAccess.Instance.TypeNames(wrapped);
        return names.Count <= CodecLimits.MaxTypeNames ? names : [.. names.Take(CodecLimits.MaxTypeNames)];
    }

    private static void WriteObject(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        if (!encoder.CanDescend)
        {
            encoder.Write(ValueText.TryOf(wrapped));
            return;
        }
        if (!StreamRecordWriter.TryWrite(encoder, value)) WriteProperties(encoder, value, wrapped);
    }

    /// <summary>Writes an object with its properties, at any depth.</summary>
    public static void WriteProperties(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        if (!encoder.BeginObject(value, TypeNames(wrapped), ValueText.TryOf(wrapped), out var bag)) return;
        if (value is MemberInfo or Assembly or System.Reflection.Module)
        {
            // Their properties lead to every type of the process.
            bag.Add("Name", value is MemberInfo member ? member.Name : value.ToString());
            if (value is Type type) bag.Add("FullName", type.FullName);
        }
        else
        {
            var isException = value is Exception;
            foreach (var property in wrapped.Properties)
            {
                if (!property.IsGettable || (isException && ExcludedOfExceptions.Contains(property.Name))) continue;
                bag.Add(property.Name, PSObjectAccess.ValueOf(property));
            }
        }
        bag.End();
    }

    // Another process needs only the address to open the object. Its other properties would cost system calls.
    private static void WriteIpcObject(ObjectEncoder encoder, IpcObject ipc)
    {
        if (!encoder.BeginObject(ipc, TypeNames(PSObject.AsPSObject(ipc)), ipc.Address.Text, out var bag)) return;
        bag.Add("Address", ipc.Address.Text);
        bag.Add("Kind", ipc.Kind);
        bag.End();
    }

    private static void WriteXml(ObjectEncoder encoder, XmlNode xml)
    {
        if (!encoder.BeginObject(xml, TypeNames(PSObject.AsPSObject(xml)), xml.OuterXml, out var bag)) return;
        bag.Add("Name", xml.Name);
        bag.Add("OuterXml", xml.OuterXml);
        bag.End();
    }
}
