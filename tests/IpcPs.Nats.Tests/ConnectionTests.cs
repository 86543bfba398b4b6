using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using IpcPs.Brokers;
using IpcPs.Mechanisms;
using IpcPs.Readiness;
using IpcPs.Transports;

namespace IpcPs.Nats.Tests;

/// <summary>Users, TLS, and servers that are not there, or go and come back.</summary>
public sealed class ConnectionTests
{
    private const string Secret = "s3cr3t-w0rd";

    [NatsFact]
    public void Only_the_right_password_is_let_in_and_no_error_shows_it()
    {
        using var server = NatsServer.Start($$"""authorization { users: [ { user: "ann", password: "{{Secret}}" } ] }""");
        var login = new BrokerLogin { UserName = "ann", Password = Secret };
        using (var test = new TestQueueOf(server, login)) test.Queue.SendText("x");
        var wrong = Messages.Fails(IpcErrors.AccessDenied, () => IpcMechanisms.Open(server.Address("q"),
            new OpenOptions { Login = new BrokerLogin { UserName = "ann", Password = "wr0ng-w0rd" } }, TestQueue.Limit));
        Assert.Equal($"The server 127.0.0.1:{server.Port} refuses this user: the name, the password or the key is wrong.", wrong.Message);
        Assert.DoesNotContain("w0rd", wrong.ToString(), StringComparison.Ordinal);
        Assert.Equal(IpcErrorCategory.PermissionDenied, wrong.Id.Category);
        var none = Messages.Fails(IpcErrors.AccessDenied, () => IpcMechanisms.Open(server.Address("q"), wait: TestQueue.Limit));
        Assert.Equal($"The server 127.0.0.1:{server.Port} refuses a client without a user.", none.Message);
    }

    [NatsFact]
    public void A_subject_that_this_user_may_not_use_is_named()
    {
        using var server = NatsServer.Start("""
            authorization { users: [
                { user: "all", password: "a" }
                { user: "few", password: "f", permissions: {
                    publish: { deny: ["forbidden", "shut", "$JS.API.STREAM.INFO.hidden"] }, subscribe: { deny: ["shut"] } } }
            ] }
            """);
        var few = new OpenOptions { Login = new BrokerLogin { UserName = "few", Password = "f" }, Access = IpcAccess.Write };
        var address = server.Address("forbidden");
        IpcMechanisms.Broker(IpcScheme.Nats).Create(address, new BrokerQueueOptions(),
            new BrokerLogin { UserName = "all", Password = "a" }, false, TestQueue.Limit).Dispose();
        using var queue = (NatsQueue)IpcMechanisms.Open(address, few, TestQueue.Limit);
        var error = Messages.Fails(IpcErrors.AccessDenied, () => queue.SendText("x"));
        Assert.Equal(
            $"The server 127.0.0.1:{server.Port} does not let this user use the subject 'forbidden', which '{address}' needs.",
            error.Message);
        for (var i = 0; i < 2; i++)
        {
            using var topic = (NatsTopic)IpcMechanisms.Open(server.Address("shut?type=topic"), few, TestQueue.Limit);
            Messages.Fails(IpcErrors.AccessDenied, () => topic.SendText("x"));
        }
        using var subscriber = (NatsTopic)IpcMechanisms.Open(
            server.Address("shut?type=topic"), few with { Access = IpcAccess.Read }, TestQueue.Limit);
        Messages.Fails(IpcErrors.AccessDenied, () => subscriber.Receive(new MessageBuffer(), default, TestQueue.Limit));
        // What was refused once is not the reason of another error.
        var hidden = Messages.Fails(IpcErrors.AccessDenied,
            () => IpcMechanisms.Open(server.Address("hidden"), few, Deadline.After(TimeSpan.FromSeconds(0.5))));
        Assert.Contains("'$JS.API.STREAM.INFO.hidden'", hidden.Message, StringComparison.Ordinal);
        Messages.Fails(IpcErrors.NotFound, () => IpcMechanisms.Open(server.Address("missing"), few, TestQueue.Limit));
    }

    [NatsTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_queue_is_removed_as_the_user_that_opened_it(bool isClosed)
    {
        using var server = NatsServer.Start($$"""authorization { users: [ { user: "ann", password: "{{Secret}}" } ] }""");
        var login = new BrokerLogin { UserName = "ann", Password = Secret };
        using var test = new TestQueueOf(server, login);
        if (isClosed) test.Queue.Dispose();
        IpcMechanisms.For(IpcScheme.Nats).Remove(test.Queue);
        Messages.Fails(IpcErrors.NotFound,
            () => IpcMechanisms.Open(test.Queue.Address, new OpenOptions { Login = login }, TestQueue.Limit));
    }

    [NatsTheory]
    [InlineData(Secret)]
    [InlineData("pr1v/w0rd")]
    [InlineData("pr1v/w0rd/")]
    [InlineData("pr1v@/w0rd")]
    [InlineData("pr1v/w0rd", "")]
    [InlineData("pr1v/w0rd", "/")]
    public void An_address_has_no_place_for_a_password(string secret, string slashes = "//")
    {
        var error = Messages.Fails(IpcErrors.InvalidAddress, () => IpcAddress.Parse($"nats:{slashes}ann:{secret}@host/q"));
        Assert.Equal(
            "'nats://***@host/q' is not an address: it contains a user or a password, and addresses are shown in tables and errors.",
            error.Message);
        var all = error.ToString() + error.Target + error.RecommendedAction;
        Assert.All(secret.Split('/', '@'), part => Assert.False(part.Length > 0 && all.Contains(part, StringComparison.Ordinal), all));
    }

    [NatsFact]
    public async Task A_server_that_is_not_there_is_an_error_at_once_or_waited_for()
    {
        var port = NatsServer.FreePort();
        var address = IpcAddress.Parse($"nats://127.0.0.1:{port}/late");
        var error = Messages.Fails(IpcErrors.NoPeer, () => IpcMechanisms.Open(address));
        Assert.Equal($"No NATS server answers at 127.0.0.1:{port}.", error.Message);
        Messages.Fails(IpcErrors.NoPeer, () => IpcMechanisms.Open(address, wait: Deadline.After(TimeSpan.FromSeconds(0.3))));
        var opening = Task.Run(() => IpcMechanisms.Broker(IpcScheme.Nats)
            .Create(address, new BrokerQueueOptions(), null, false, TestQueue.Limit));
        using var server = NatsServer.Start(port: port);
        using var queue = await opening;
        queue.SendText("late");
        Assert.Equal("late", queue.ReceiveText());
    }

    [NatsFact]
    public void A_server_that_says_nothing_is_waited_for_until_the_deadline()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var shown = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        var error = Messages.Fails(IpcErrors.NoPeer,
            () => IpcMechanisms.Open(IpcAddress.Parse($"nats://{shown}/q"), wait: Deadline.After(TimeSpan.FromSeconds(0.3))));
        Assert.Equal($"No NATS server answers at {shown} within 0.3 s.", error.Message);
        Assert.Equal(IpcErrorCategory.ConnectionError, error.Id.Category);
        // It ended by the deadline, and not by the client's own limit, after which it reports a failure of its own.
        Assert.IsType<TimeoutException>(error.InnerException);
    }

    [NatsFact]
    public void A_receiver_without_waiting_says_when_the_server_does_not_answer()
    {
        using var server = NatsServer.Start();
        using var test = new TestQueueOf(server, null);
        test.Queue.SendText("kept");
        server.Kill();
        Wait.Until(() => !test.Queue.IsConnected, TimeSpan.FromSeconds(10), "the client to notice");
        var error = Messages.Fails(IpcErrors.NoPeer, () => test.Queue.Receive(new MessageBuffer(), default, Deadline.Immediate));
        Assert.Equal(
            $"The server 127.0.0.1:{server.Port} does not answer now: whether '{test.Queue.Address}' has a message is not known.",
            error.Message);
        Assert.Equal(IpcErrorCategory.ConnectionError, error.Id.Category);
        // A wait for it, and a job that drains it, go on.
        using var watch = test.Queue.CreateWatch();
        Assert.Equal(-1, ReadinessWaiter.UntilAny([watch], out _, Deadline.After(TimeSpan.FromSeconds(0.1))));
        using var reader = ChannelTransport.Reader(test.Queue, ownsChannel: false, CancellationToken.None);
        reader.EndOfWriters(0);
        var message = new MessageBuffer();
        var draining = Task.Run(() => reader.Receive(message));
        server.Run();
        Assert.True(draining.GetAwaiter().GetResult());
        Assert.Equal("kept", Encoding.UTF8.GetString(message.Payload.Span));
        Assert.False(reader.Receive(message));
    }

    [NatsFact]
    public void A_file_with_a_JWT_and_its_key_is_a_login()
    {
        using var account = new JwtAccount();
        using var server = NatsServer.Start(account.Configuration);
        // Of another operator, which the server does not trust.
        using var stranger = new JwtAccount();
        var folder = Directory.CreateTempSubdirectory("ipcps-creds-").FullName;
        try
        {
            var (mine, strange) = (Path.Combine(folder, "mine.creds"), Path.Combine(folder, "strange.creds"));
            File.WriteAllText(mine, account.NewUser());
            File.WriteAllText(strange, stranger.NewUser());
            using (var test = new TestQueueOf(server, new BrokerLogin { CredentialPath = mine }))
            {
                test.Queue.SendText("signed");
                Assert.Equal("signed", test.Queue.ReceiveText());
            }
            var error = Messages.Fails(IpcErrors.AccessDenied, () => IpcMechanisms.Open(server.Address("q"),
                new OpenOptions { Login = new BrokerLogin { CredentialPath = strange } }, TestQueue.Limit));
            Assert.Equal($"The server 127.0.0.1:{server.Port} refuses this user: the name, the password or the key is wrong.",
                error.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [NatsFact]
    public void A_server_without_JetStream_has_topics_only()
    {
        using var server = NatsServer.Start(jetStream: false);
        var error = Messages.Fails(IpcErrors.NotSupported, () => IpcMechanisms.Open(server.Address("q"), wait: TestQueue.Limit));
        Assert.Contains("--jetstream", error.RecommendedAction, StringComparison.Ordinal);
        using var topic = (NatsTopic)IpcMechanisms.Open(server.Address("t?type=topic"), wait: TestQueue.Limit);
        topic.SendText("x");
        Assert.Equal("x", topic.ReceiveText());
    }

    [NatsFact]
    public async Task What_was_confirmed_survives_the_server_and_what_was_not_is_sent_when_it_is_back()
    {
        using var server = NatsServer.Start();
        using var test = new TestQueueOf(server, null);
        test.Queue.SendText("before");
        server.Kill();
        Messages.Fails(IpcErrors.NotConfirmed,
            () => test.Queue.Send("never"u8, Messages.Text, Deadline.After(TimeSpan.FromSeconds(0.5))));
        var sending = Task.Run(() => test.Queue.SendText("after"));
        server.Run();
        await sending;
        var received = new List<string>();
        do received.Add(test.Queue.ReceiveText());
        while (received[^1] != "after");
        // The one that was reported as not confirmed may have been on its way.
        Assert.Equal(["before", "after"], received.Where(static t => t != "never"));
    }

    [NatsFact]
    public void A_server_that_does_not_answer_leaves_a_message_unconfirmed()
    {
        using var server = NatsServer.Start();
        using var test = new TestQueueOf(server, null);
        test.Queue.SendText("first");
        Signal("STOP", server.Id);
        try
        {
            var error = Messages.Fails(IpcErrors.NotConfirmed,
                () => test.Queue.Send("x"u8, Messages.Text, Deadline.After(TimeSpan.FromSeconds(0.5))));
            Assert.Equal(
                $"The broker did not confirm a message on '{test.Queue.Address}' within 0.5 s: what was sent may be stored, or not.",
                error.Message);
            Assert.Equal(IpcErrorCategory.OperationTimeout, error.Id.Category);
        }
        finally
        {
            Signal("CONT", server.Id);
        }
    }

    [NatsFact]
    public void TLS_needs_an_authority_that_is_trusted_and_a_certificate_of_the_client()
    {
        var folder = Directory.CreateTempSubdirectory("ipcps-tls-").FullName;
        try
        {
            Openssl(folder, "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca");
            foreach (var name in new[] { "server", "client" })
            {
                File.WriteAllText(Path.Combine(folder, "ext"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
                Openssl(folder, $"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}");
                Openssl(folder, $"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2 -extfile ext");
            }
            using var server = NatsServer.Start($$"""
                tls { cert_file: "{{folder}}/server.pem", key_file: "{{folder}}/server.key", ca_file: "{{folder}}/ca.pem", verify: true }
                """);
            var login = new BrokerLogin
            {
                CaPath = $"{folder}/ca.pem",
                CertificatePath = $"{folder}/client.pem",
                KeyPath = $"{folder}/client.key",
            };
            using (var test = new TestQueueOf(server, login, "tls"))
            {
                test.Queue.SendText("secret");
                Assert.Equal("secret", test.Queue.ReceiveText());
                Assert.StartsWith("tls://", test.Queue.Address.Text, StringComparison.Ordinal);
            }
            var untrusted = Messages.Fails(IpcErrors.AccessDenied,
                () => IpcMechanisms.Open(server.Address("q", "tls"), wait: TestQueue.Limit));
            Assert.StartsWith($"TLS with the server 127.0.0.1:{server.Port} failed: ", untrusted.Message, StringComparison.Ordinal);
            var missing = Messages.Fails(IpcErrors.NotFound, () => IpcMechanisms.Open(server.Address("q", "tls"),
                new OpenOptions { Login = new BrokerLogin { CaPath = "/nonexistent.pem" } }, TestQueue.Limit));
            Assert.Equal("There is no file '/nonexistent.pem'.", missing.Message);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Openssl(string folder, string arguments)
    {
        var start = new ProcessStartInfo("openssl", arguments) { WorkingDirectory = folder, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
    }

    private static void Signal(string name, int id)
    {
        using var process = Process.Start("kill", ["-" + name, $"{id}"]);
        process.WaitForExit();
    }

    /// <summary>A queue of a server that ends with the test.</summary>
    private sealed class TestQueueOf(NatsServer server, BrokerLogin? login, string scheme = "nats") : IDisposable
    {
        public NatsQueue Queue { get; } = (NatsQueue)IpcMechanisms.Broker(IpcScheme.Nats)
            .Create(server.Address("q", scheme), new BrokerQueueOptions(), login, false, TestQueue.Limit);

        public void Dispose() => Queue.Dispose();
    }
}
