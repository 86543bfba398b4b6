using System.Diagnostics;
using IpcPs.Mechanisms;
using IpcPs.Pipes;
using IpcPs.Tests.Addresses;
using IpcPs.Tests.Peers;
using Xunit;

namespace IpcPs.Tests.Processes;

public class InheritedDescriptorTests
{
    [Needs("sh")]
    public void A_descriptor_of_the_parent_is_closed_with_the_object_and_inherited_by_no_child()
    {
        // The pipe that the test reads is descriptor 7 of the peer, and no other: at its end every writer has closed it.
        using var peer = Peer.Start("sh", ["-c", "exec \"$@\" 7>&1 1>&2", "sh", "dotnet", "exec", typeof(DotnetPeer).Assembly.Location,
            "inherited-descriptors", "7"]);
        foreach (var line in new[] { "for one call", "for another", "taken" }) Assert.Equal(line, peer.ReadLine());
        Assert.Null(peer.ReadLine());
        // The peer and its child are alive.
        peer.Input.WriteLine("end");
        peer.Finish();
    }

    [Needs("python3")]
    public void Two_descriptors_of_a_duplex_end_are_taken_over()
    {
        // What the peer writes to 9 it can read from 8, through a cat.
        using var peer = Peer.StartPython("""
            import os, subprocess, sys
            cat = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for old, new in ((1, 7), (cat.stdout.fileno(), 8), (cat.stdin.fileno(), 9)): os.dup2(old, new)
            os.dup2(2, 1)
            os.execvp(sys.argv[1], sys.argv[1:])
            """, "dotnet", "exec", typeof(DotnetPeer).Assembly.Location, "inherited-descriptors", "7,8,9");
        foreach (var line in new[] { "for one call", "for another", "taken", "echo", "closed" }) Assert.Equal(line, peer.ReadLine());
        peer.Input.WriteLine("end");
        peer.Finish();
    }

    [Fact]
    public void A_descriptor_that_this_process_opened_itself_stays_its_own()
    {
        using var pipe = AnonymousPipe.Create();
        var address = IpcAddress.Parse($"fd:{pipe.Writer.Writer!.Number}");
        using (IpcMechanisms.Open(address))
        {
            // Another descriptor of the same end.
        }
        pipe.Send("still open"u8, new SendOptions { Format = IpcFormat.Text });
        Assert.True(pipe.Receive(new MessageBuffer()));
    }

    /// <summary>The child.</summary>
    internal static void Play(string[] numbers)
    {
        var address = IpcAddress.Parse("fd:" + numbers[0]);
        var once = new OpenOptions { ForOneCall = true };
        Send(IpcMechanisms.Open(address, once), "for one call");
        // It would inherit the two that are opened later.
        using var child = numbers.Length == 1 ? Process.Start(new ProcessStartInfo("cat") { RedirectStandardInput = true }) : null;
        Send(IpcMechanisms.Open(address, once), "for another");
        var taken = (PipeChannel)IpcMechanisms.Open(address);
        AddressPropertyTests.AssertReadable(taken.Address);
        using (IpcMechanisms.Open(taken.Address))
        {
            // By its new address it can be found.
        }
        var error = Assert.Throws<IpcException>(() => IpcMechanisms.Open(address));
        Assert.Equal(("IpcInvalidOperation", IpcErrorCategory.InvalidOperation), (error.Id.Name, error.Id.Category));
        Assert.Equal($"'{address}' is open already: an object of this process owns it.", error.Message);
        if (numbers.Length > 1)
        {
            Send(taken, "taken", close: false);
            PlayDuplex(taken, IpcAddress.Parse($"fd:{numbers[1]},{numbers[2]}"));
        }
        else
        {
            Send(taken, "taken");
        }
        Console.In.ReadLine();
        child?.StandardInput.Close();
        child?.WaitForExit();
    }

    private static void PlayDuplex(PipeChannel output, IpcAddress address)
    {
        var message = new MessageBuffer();
        var duplex = (PipeChannel)IpcMechanisms.Open(address);
        AddressPropertyTests.AssertReadable(duplex.Address);
        Assert.True(duplex.Address.WriteDescriptor >= 0);
        Send(duplex, "echo", close: false);
        Assert.True(duplex.Receive(message));
        Send(output, System.Text.Encoding.UTF8.GetString(message.Payload.Span).TrimEnd('\n'), close: false);
        duplex.CompleteSending();
        // The program at the other end saw the end of its input.
        Assert.False(duplex.Receive(message));
        duplex.Dispose();
        Send(output, "closed");
    }

    private static void Send(IpcObject opened, string text, bool close = true)
    {
        ((IpcChannel)opened).Send(System.Text.Encoding.UTF8.GetBytes(text), new SendOptions { Format = IpcFormat.Text });
        if (close) opened.Dispose();
    }
}
