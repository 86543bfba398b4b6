using System.Runtime.InteropServices;
using IpcPs.Pipes;
using IpcPs.Sockets;

namespace IpcPs.Processes;

/// <summary>Passes IPC objects from a process to its child as descriptors.</summary>
public static class InheritedObjects
{
    /// <summary>The descriptors that a child needs for an object: the open ends of a pipe. None for an object that is found by its
    /// address.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.Closed"/>; <see cref="IpcErrors.WrongKind"/>: it has two ends.</exception>
    public static IReadOnlyList<SafeDescriptor> DescriptorsOf(IpcObject target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (target.IsClosed)
            throw new IpcException(IpcErrors.Closed, $"'{target.Address}' was closed; a child cannot inherit it.", target.Address.Text);
        return target switch
        {
            PipeChannel pipe => Open(pipe.Reader, pipe.Writer),
            AnonymousPipe or DuplexPipe => throw new IpcException(IpcErrors.WrongKind,
                $"'{target.Address}' has two ends; a child can inherit only one.",
                target.Address.Text, target is DuplexPipe ? "Pass its .Far end." : "Pass its .Reader or its .Writer."),
            _ => target.HandleToPass is SafeDescriptor descriptor ? [descriptor] : [],
        };
    }

    /// <summary>Opens descriptors that this process inherited as an object, which owns them. This process's children won't inherit
    /// them.</summary>
    /// <param name="numbers">One descriptor, or the reading and the writing descriptor of a duplex end.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no such descriptor.</exception>
    public static object Open(IReadOnlyList<int> numbers)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return numbers.Count == 1 ? DescriptorOpener.Open(Take(numbers[0])) : OpenPipe(numbers[0], numbers[1]);
    }

    /// <summary>Opens an inherited end of a pipe that IpcPs created, and which is non-blocking for that reason.</summary>
    /// <param name="reader">The descriptor to read from; -1 for none.</param>
    /// <param name="writer">The descriptor to write to; -1 for none.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no such descriptor.</exception>
    public static PipeChannel OpenPipe(int reader, int writer)
    {
        var first = reader >= 0 ? reader : writer;
        return new PipeChannel(IpcAddress.OfDescriptor(IpcScheme.Pipe, Environment.ProcessId, first, reader >= 0 ? writer : -1),
            reader >= 0 ? Take(reader) : null, writer >= 0 ? Take(writer) : null);
    }

    /// <summary>Opens an inherited end of a pipe or a stream socket that another program created, to read or to write. It is non-blocking
    /// from then on, also for other processes that have it.</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no such descriptor.</exception>
    public static PipeChannel OpenForeignPipe(int number, bool isReader)
    {
        var pipe = OpenPipe(isReader ? number : -1, isReader ? -1 : number);
        PipeIO.SetNonBlocking((pipe.Reader ?? pipe.Writer)!, pipe.Address);
        return pipe;
    }

    /// <summary>Opens an inherited stream socket.</summary>
    /// <param name="number">The descriptor.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.NotFound"/>: no such descriptor.</exception>
    public static StreamSocket OpenSocket(int number) => IpcSocket.Adopt(Take(number), null) as StreamSocket
        ?? throw new IpcException(IpcErrors.WrongKind, $"Descriptor {number} is not a stream socket.", $"fd:{number}");

    private static SafeDescriptor Take(int number)
    {
        if (Libc.fcntl(number, Libc.F_SETFD, Libc.FD_CLOEXEC) < 0)
        {
            throw IpcException.FromErrno("fcntl(F_SETFD)", Marshal.GetLastPInvokeError(), $"fd:{number}",
                "No such descriptor is open in this process.", IpcErrors.NotFound);
        }
        return new SafeDescriptor(number);
    }

    private static SafeDescriptor[] Open(SafeDescriptor? reader, SafeDescriptor? writer)
    {
        var open = new List<SafeDescriptor>(2);
        if (reader is { IsClosed: false }) open.Add(reader);
        if (writer is { IsClosed: false }) open.Add(writer);
        return [.. open];
    }
}
