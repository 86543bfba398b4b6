using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NATS.NKeys;

namespace IpcPs.Nats.Tests.Fixture;

/// <summary>An operator and an account of a server whose users log in with a JWT and a key, as nsc(1) makes them.</summary>
internal sealed class JwtAccount : IDisposable
{
    private readonly KeyPair _operator = KeyPair.CreatePair(PrefixByte.Operator);
    private readonly KeyPair _account = KeyPair.CreatePair(PrefixByte.Account);
    // JetStream needs one.
    private readonly KeyPair _system = KeyPair.CreatePair(PrefixByte.Account);

    /// <summary>The configuration of a server that trusts the operator and knows the account.</summary>
    public string Configuration
    {
        get
        {
            return $$"""
                operator: "{{Sign(_operator, _operator, "operator", [])}}"
                system_account: {{_system.GetPublicKey()}}
                resolver: MEMORY
                resolver_preload: {
                    {{_account.GetPublicKey()}}: "{{AccountJwt(_account, storage: -1)}}"
                    {{_system.GetPublicKey()}}: "{{AccountJwt(_system, storage: 0)}}"
                }
                """;
        }
    }

    /// <summary>The text of a file with a new user of the account.</summary>
    public string NewUser()
    {
        using var user = KeyPair.CreatePair(PrefixByte.User);
        var claims = new JsonObject
        {
            ["subs"] = -1,
            ["data"] = -1,
            ["payload"] = -1,
            ["pub"] = new JsonObject(),
            ["sub"] = new JsonObject(),
        };
        return $"""
            -----BEGIN NATS USER JWT-----
            {Sign(_account, user, "user", claims)}
            ------END NATS USER JWT------

            -----BEGIN USER NKEY SEED-----
            {user.GetSeed()}
            ------END USER NKEY SEED------

            """;
    }

    public void Dispose()
    {
        _operator.Dispose();
        _account.Dispose();
        _system.Dispose();
    }

    private string AccountJwt(KeyPair account, int storage)
    {
        var limits = new JsonObject { ["wildcards"] = true };
        foreach (var name in new[] { "subs", "data", "payload", "imports", "exports", "conn", "leaf" }) limits[name] = -1;
        foreach (var name in new[] { "mem_storage", "disk_storage", "streams", "consumer" }) limits[name] = storage;
        return Sign(_operator, account, "account", new JsonObject { ["limits"] = limits });
    }

    private static string Sign(KeyPair issuer, KeyPair subject, string type, JsonObject nats)
    {
        nats["type"] = type;
        nats["version"] = 2;
        var claims = new JsonObject
        {
            ["jti"] = subject.GetPublicKey(),
            ["iat"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            ["iss"] = issuer.GetPublicKey(),
            ["sub"] = subject.GetPublicKey(),
            ["name"] = type,
            ["nats"] = nats,
        };
        var text = Encode(new JsonObject { ["typ"] = "JWT", ["alg"] = "ed25519-nkey" }) + "." + Encode(claims);
        var signature = new byte[64];
        issuer.Sign(Encoding.ASCII.GetBytes(text), signature);
        return text + "." + Base64Url.EncodeToString(signature);
    }

    private static string Encode(JsonObject json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));
}
