#!/bin/sh
# start-pwsh.sh DOTNET PWSH_DLL MODULES [ARGUMENTS]: what `dotnet run --project src/IpcPs.Module -- ARGUMENTS` runs.
# MODULES is a folder in which this build's module can be found by its name.
set -u
dotnet=$1 pwsh=$2 modules=$3
shift 3

# pwsh puts the user's folder first unless it is named here; an IpcPs that is installed there must not be found before this build's.
user=${XDG_DATA_HOME:-${HOME:-/nonexistent}/.local/share}/powershell/Modules
export PSModulePath="$modules:$user${PSModulePath:+:$PSModulePath}"
export POWERSHELL_UPDATECHECK="${POWERSHELL_UPDATECHECK:-Off}"

# The arguments reach pwsh untouched, and exec keeps signals and the exit code its own.
[ $# -gt 0 ] || set -- -NoExit -Command 'Import-Module IpcPs'
exec "$dotnet" "$pwsh" -NoProfile "$@"
