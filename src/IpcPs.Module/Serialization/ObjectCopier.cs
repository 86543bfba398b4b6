using System.Collections;
using System.Management.Automation;
using System.Reflection;
using System.Xml;
using IpcPs.Serialization;

namespace IpcPs.Module.Serialization;

/// <summary>Writes objects that stay behind: what arrives is a copy of their properties and their text.</summary>
internal static class ObjectCopier
{
    /// <summary>Properties of exceptions that say nothing to another process, or contain the exception itself.</summary>
    private static readonly HashSet<string> NotOfExceptions = new(StringComparer.Ordinal)
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
            case XmlNode xml:
                WriteXml(encoder, xml);
                break;
            case IEnumerable items:
                encoder.WriteSequence(items);
                break;
            default:
                WriteObject(encoder, value, wrapped);
                break;
        }
    }

    /// <summary>The names of a live object's types, most specific first.</summary>
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

    /// <summary>Writes an object's properties, whatever the depth.</summary>
    public static void WriteProperties(ObjectEncoder encoder, object value, PSObject wrapped)
    {
        if (!encoder.BeginObject(value, TypeNames(wrapped), ValueText.TryOf(wrapped), out var bag)) return;
        if (value is MemberInfo or Assembly or System.Reflection.Module)
        {
            // Their properties lead to all of .NET.
            bag.Add("Name", value is MemberInfo member ? member.Name : value.ToString());
            if (value is Type type) bag.Add("FullName", type.FullName);
        }
        else
        {
            var isException = value is Exception;
            foreach (var property in wrapped.Properties)
            {
                if (property.IsGettable && !(isException && NotOfExceptions.Contains(property.Name))) bag.Add(property.Name, PropertyValue.Of(property));
            }
        }
        bag.End();
    }

    // No more than its address: that is all another process needs to open it, and asking it for more would be system calls.
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
