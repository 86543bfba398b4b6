using System.Management.Automation;
using IpcPs.Mechanisms;
using IpcPs.Module.Completion;
using IpcPs.Module.Transformation;

namespace IpcPs.Module.Commands.Objects;

/// <summary><c>Open-IpcObject</c>: opens the object at an address, of any kind.</summary>
[Cmdlet(VerbsCommon.Open, "IpcObject")]
[OutputType(typeof(IpcObject))]
public sealed class OpenIpcObjectCommand : IpcCmdlet
{
    /// <summary>The address of the object, or a copy of it from another process.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [IpcTargetTransformation]
    [ArgumentCompleter(typeof(AddressCompleter))]
    public IpcTarget Address { get; set; } = null!;

    /// <summary>The access to open it for; by default all that the object offers.</summary>
    [Parameter]
    [ValidateSet("Default", "Read", "Write", "ReadWrite")]
    public IpcAccess Access { get; set; }

    /// <summary>How long to wait: with -Wait for the object, and at named pipes and sockets for the peer.</summary>
    [Parameter]
    [TimeoutTransformation]
    public IpcTimeout? Timeout { get; set; }

    /// <summary>Waits until the object exists.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>Named pipes: this end stays open without a peer. A receiver then waits for the next writer, and a sender for the
    /// next reader.</summary>
    [Parameter]
    public SwitchParameter Persistent { get; set; }

    /// <summary>Brokers: the user and the password.</summary>
    [Parameter]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>Brokers: the path of a file with a user's JWT and key, as nsc writes it.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CredentialPath { get; set; }

    /// <summary>Brokers: the path of a PEM file with the certificate authorities that are trusted.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CaPath { get; set; }

    /// <summary>Brokers: the path of a PEM file with this client's certificate.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? CertificatePath { get; set; }

    /// <summary>Brokers: the path of a PEM file with the key of -CertificatePath.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? KeyPath { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(() =>
    {
        var deadline = DeadlineFrom(Timeout);
        var address = Address.Address;
        var login = BrokerLogins.Of(this, Credential, CredentialPath, CaPath, CertificatePath, KeyPath);
        if (Wait) WriteVerbose($"Waiting until '{address}' exists.");
        if (Wait) IpcMechanisms.For(address.Scheme).WaitUntilExists(address, new(deadline, StopToken));
        var options = new OpenOptions { Access = Access, Persistent = Persistent, Wait = Wait, Login = login };
        var opened = IpcMechanisms.Open(address, options, new(deadline, StopToken));
        WriteVerbose($"Opened '{opened.Address}' ({opened.Kind}).");
        WriteObject(opened);
    });
}
