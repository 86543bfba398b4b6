using System.Management.Automation;
using IpcPs.Brokers;

namespace IpcPs.Module.Commands;

/// <summary>What the parameters of a command say about the user of a broker.</summary>
internal static class BrokerLogins
{
    /// <summary>The login; null where no parameter is given: the environment then says what it is.</summary>
    public static BrokerLogin? Of(
        PSCmdlet command, PSCredential? credential, string? credentialPath, string? caPath, string? certificatePath, string? keyPath)
    {
        if (credential is not null && credentialPath is not null)
            throw IpcException.Argument("-Credential and -CredentialPath exclude each other.");
        if (keyPath is not null && certificatePath is null) throw IpcException.Argument("-KeyPath needs -CertificatePath.");
        if ((credential, credentialPath, caPath, certificatePath) is (null, null, null, null)) return null;
        return new BrokerLogin
        {
            UserName = credential?.UserName,
            Password = credential?.GetNetworkCredential().Password,
            CredentialPath = FullPath(command, credentialPath),
            CaPath = FullPath(command, caPath),
            CertificatePath = FullPath(command, certificatePath),
            KeyPath = FullPath(command, keyPath),
        };
    }

    private static string? FullPath(PSCmdlet command, string? path) =>
        path is null ? null : command.SessionState.Path.GetUnresolvedProviderPathFromPSPath(path);
}
