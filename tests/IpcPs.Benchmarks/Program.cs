// One executable plays both sides: started with "peer NAME ARGS" it is the other process of a measurement.
using IpcPs.Benchmarks.Framework;

if (args is ["peer", var role, .. var rest]) return Peers.Run(role, rest);
return Runner.Run(Settings.Parse(args));
