using System.Globalization;
using System.Text;
using IpcPs.Messaging;
using IpcPs.Pipes;
using IpcPs.Processes;
using IpcPs.Sockets;
using IpcPs.Sockets.Server;

namespace IpcPs.Ssh;

/// <content>The Unix sockets that ssh forwards, and what comes through them.</content>
public sealed partial class SshConnection
{
    /// <summary>How long ssh may take to forward a socket, or to cease, while a job waits.</summary>
    private static readonly TimeSpan ControlLimit = TimeSpan.FromSeconds(10);

    /// <summary>Expects a connection from a process there.</summary>
    /// <param name="onArrived">Called with it, on any thread.</param>
    public SshLink Expect(Action<StreamSocket>? onArrived = null)
    {
        var link = new SshLink(this, SocketTransport.NewKey(), onArrived);
        lock (_guard)
        {
            if (!_isOver)
            {
                _links.Add(link.Key, link);
                return link;
            }
        }
        link.Dispose();
        return link;
    }

    /// <summary>Sends on a socket a byte a second, until it is closed.</summary>
    public void KeepAlive(StreamSocket socket)
    {
        lock (_guard)
        {
            if (_isClosed) socket.Dispose();
            else _alive.Add(socket);
        }
    }

    /// <summary>A new name for a socket, which is not in use on either side.</summary>
    internal string NewName() => string.Create(CultureInfo.InvariantCulture, $"l{Interlocked.Increment(ref _lastName)}");

    /// <summary>The path of a socket here.</summary>
    internal string NearPath(string name) => $"{_folder}/{name}";

    /// <summary>Lets ssh listen on a socket there, whose connections go to one here.</summary>
    internal void ForwardFromFar(string farName, string nearPath) =>
        Forward("-R", $"{FarFolder}/{farName}:{nearPath}", Deadline.After(ControlLimit));

    /// <summary>Lets ssh listen on a socket here, whose connections go to one there.</summary>
    internal void ForwardToFar(string nearPath, string farName) =>
        Forward("-L", $"{nearPath}:{FarFolder}/{farName}", Deadline.After(ControlLimit));

    /// <summary>Ends <see cref="ForwardFromFar"/>.</summary>
    internal void CancelFromFar(string farName, string nearPath)
    {
        Cancel("-R", $"{FarFolder}/{farName}:{nearPath}");
        RemoveFar(farName);
    }

    /// <summary>Ends <see cref="ForwardToFar"/>.</summary>
    internal void CancelToFar(string nearPath, string farName)
    {
        Cancel("-L", $"{nearPath}:{FarFolder}/{farName}");
        File.Delete(nearPath);
    }

    internal void Forget(SshLink link)
    {
        lock (_guard) _links.Remove(link.Key);
    }

    private void Forward(string kind, string forward, in WaitOptions wait)
    {
        if (TryControl("forward", kind, forward, wait) is { } said)
        {
            throw Loss ?? new IpcException(IpcErrors.ForwardingRefused,
                $"A Unix socket could not be forwarded to or from '{Target}'.{SshErrors.Words(said)}", Target.HostName);
        }
    }

    private void Cancel(string kind, string forward)
    {
        try
        {
            TryControl("cancel", kind, forward, Deadline.After(ControlLimit));
        }
        catch (IpcException)
        {
            // It ends with the login.
        }
    }

    /// <returns>Null if it succeeded, or what ssh said.</returns>
    private List<string>? TryControl(string order, string kind, string forward, in WaitOptions wait)
    {
        using var output = AnonymousPipe.Create();
        using var error = AnonymousPipe.Create();
        InheritedDescriptor standardOutput = new(InheritedObjects.DescriptorsOf(output.Writer)[0], 1);
        InheritedDescriptor standardError = new(InheritedObjects.DescriptorsOf(error.Writer)[0], 2);
        using var child = ChildProcess.Start(new ChildProcessOptions
        {
            FileName = "ssh",
            Arguments = [.. ClientArguments, "-O", order, kind, forward, "--", "host"],
            Descriptors = [standardOutput, standardError],
            OwnSession = true,
        });
        output.Writer.Dispose();
        error.Writer.Dispose();
        var said = new List<string>();
        if (!ChildText.ReadUntilExit(child, output.Reader, error.Reader, said.Add, said.Add, wait))
        {
            child.SignalGroup(Libc.SIGKILL);
            child.WaitForExit();
            wait.Cancellation.ThrowIfCancellationRequested();
            throw IpcException.TimedOut($"the answer of the ssh that is logged in on '{Target}'", Target.HostName, wait.Deadline);
        }
        child.WaitForExit();
        return child.Exit is { IsSuccess: true } ? null : said;
    }

    /// <summary>Accepts what processes there connect through ssh.</summary>
    private void Accept()
    {
        try
        {
            using var acceptor = new InlineAcceptor(_listening, AllowedUsers.OwnOrUnknown(), new RejectedClientLog());
            while (true)
            {
                Waiter.Poll(acceptor.Readiness, PollEvents.In, new(Deadline.Infinite, _closing.Token));
                // No descriptors or threads are left now; later there may be.
                if (!TryAccept(acceptor)) _closing.Token.WaitHandle.WaitOne(Beat);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IpcException or ObjectDisposedException)
        {
            // It is closed.
        }
    }

    private bool TryAccept(InlineAcceptor acceptor)
    {
        StreamSocket? socket = null;
        try
        {
            socket = acceptor.TryAccept()?.Channel as StreamSocket;
            if (socket is not null) BackgroundThread.Start($"IpcPs greets a client of {Target}", () => Greet(socket));
            return true;
        }
        catch (IpcException)
        {
            socket?.Dispose();
            return false;
        }
    }

    private void Greet(StreamSocket socket)
    {
        try
        {
            var message = new MessageBuffer();
            var options = new ReceiveOptions { Format = IpcFormat.Object };
            if (socket.Receive(message, options, new(Deadline.After(TimeSpan.FromSeconds(10)), _closing.Token)))
            {
                SshLink? link;
                lock (_guard) _links.Remove(Encoding.ASCII.GetString(message.Span), out link);
                if (link is not null)
                {
                    link.Arrive(socket);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IpcException or OperationCanceledException)
        {
            // It was no process of a job.
        }
        socket.Dispose();
    }
}
