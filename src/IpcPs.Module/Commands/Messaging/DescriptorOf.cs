using System.Management.Automation;
using System.Runtime.InteropServices;

namespace IpcPs.Module.Commands.Messaging;

/// <summary>The descriptors behind what a user hands over with -Handle: IPC objects, streams, handles.</summary>
internal static class DescriptorOf
{
    public static SafeHandle Object(object value)
    {
        var inner = value is PSObject wrapped ? wrapped.BaseObject : value;
        return inner switch
        {
            SafeHandle handle => handle,
            FileStream stream => stream.SafeFileHandle,
            IpcObject { HandleToPass: { } handle } => handle,
            IpcObject other => throw new IpcException(IpcErrors.NotSupported, $"A {other.Kind} has no single descriptor that could be passed on.", other.Address.Text, "Pass its address as text instead, or one end of it."),
            _ => throw IpcException.Argument($"A {inner.GetType().Name} has no descriptor that could be passed on."),
        };
    }
}
