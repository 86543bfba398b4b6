// Run by the test host, this is never called; started with 'dotnet exec', it is another process for a test to talk to, and to kill.
using IpcPs.Tests.Peers;

return DotnetPeer.Play(args);
