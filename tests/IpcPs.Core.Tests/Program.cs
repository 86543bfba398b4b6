using IpcPs.Tests.Peers;

// Run by the test host, this is never called; started with 'dotnet exec', it is another process for a test to talk to, and to kill.
return DotnetPeer.Play(args);
