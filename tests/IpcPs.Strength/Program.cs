// One executable plays both sides: started with "worker NAME ARGS" it is a process that is attacked, or that attacks.
using IpcPs.Strength.Framework;

if (args is ["worker", var name, .. var rest]) return Workers.Run(name, rest);
return AttackRunner.Run(StrengthSettings.Parse(args));
