#!/bin/sh
# compile-pwsh.sh CROSSGEN FRAMEWORK PACKAGE TARGET: a copy of PowerShell in which what runs at its start is native code. The other
# assemblies are compiled as they are used. The copy is complete when TARGET exists.
set -eu
crossgen=$1 framework=${2%/} package=${3%/} target=${4%/}
new=$target.$$
trap 'rm -rf "$new"' EXIT
rm -rf "$target" "$new"
mkdir -p "$(dirname "$target")"
cp -R "$package" "$new"
chmod -R u+w "$new"

commands=Microsoft.PowerShell.Commands
for name in System.Management.Automation Microsoft.PowerShell.ConsoleHost Microsoft.PowerShell.Security $commands.Management \
    $commands.Utility pwsh; do
    "$crossgen" "$package/$name.dll" -o:"$new/$name.dll" --targetos:linux -O -r:"$framework/*.dll" -r:"$package/*.dll"
done
mv "$new" "$target"
