namespace IpcPs.Ssh;

/// <summary>What runs in a POSIX shell of another host. ssh gives a command to the user's login shell there, whichever that is, so each
/// script is one word of a command that starts sh(1).</summary>
/// <remarks>The scripts contain no apostrophe.</remarks>
internal static class FarScripts
{
    /// <summary>The first line that <see cref="Keeper"/> prints. A login shell may print lines of its own before.</summary>
    public const string Greeting = "IpcPs-host-1";

    /// <summary>Runs as long as the connection: makes a private folder ($1 is its name), says what it found, and takes one order a line.
    /// When its input ends, or no line has come for 6 to 8 seconds, it kills what jobs have left, and removes the folder.</summary>
    /// <remarks>Prints, each on a line: the greeting, the folder, the path of pwsh, its version, the folder of the module whose content has
    /// the hash $2, and whether it is there and whole. Orders: <c>b</c> the connection is alive, <c>k SIGNAL ID</c> send a signal to a
    /// process or (negative) a group, <c>e ask|no ID SECONDS</c> end a group, with TERM or without, and print its number when it has ended,
    /// <c>r NAME</c> remove a file of the folder. A file pID stands for the process group of a job.
    /// Where the connection was lost, sshd may not notice for hours, and is ended too: it is this script's parent.</remarks>
    private const string Keeper = """
        umask 077
        r=${XDG_RUNTIME_DIR:-/tmp}
        [ -d "$r" ] && [ -w "$r" ] || r=/tmp
        d=$r/ipcps-ssh-$1
        mkdir "$d" || exit 3
        p=
        for c in pwsh "$HOME/.dotnet/tools/pwsh" /opt/microsoft/powershell/7/pwsh /snap/bin/pwsh; do
            p=$(command -v "$c") && break
        done
        v=
        [ -z "$p" ] || v=$("$p" --version 2>&1 </dev/null | head -n 1)
        m=${XDG_CACHE_HOME:-$HOME/.cache}/ipcps/modules/$2
        w=no
        [ -d "$m" ] && (cd "$m" && sha256sum -c SHA256SUMS >/dev/null 2>&1) && w=yes
        printf "%s\n" IpcPs-host-1 "$d" "$p" "$v" "$m" "$w"
        end() {
            i=0
            while [ "$i" -lt "$1" ] && ls "$d" | grep -q "^p"; do sleep 1; i=$((i + 1)); done
            for f in "$d"/p*; do [ -e "$f" ] && kill -KILL -"${f##*/p}"; done
            rm -rf "$d"
        }
        group() {
            [ "$1" = no ] || kill -TERM "-$2"
            i=0
            while [ "$i" -lt "$3" ] && kill -0 "-$2"; do sleep 1; i=$((i + 1)); done
            kill -KILL "-$2"
            printf "%s\n" "$2"
        }
        : >"$d/b"
        s=$$
        (
            n=0
            while [ "$n" -lt 3 ]; do
                sleep 2
                if rm "$d/b"; then n=0; else n=$((n + 1)); fi
                [ -d "$d" ] || exit
            done
            end 1
            kill -KILL "$s"
            case $(cat "/proc/$PPID/comm") in sshd*) kill "$PPID" ;; esac
        ) </dev/null >/dev/null 2>&1 &
        o=$!
        while read -r a b c t; do
            case $a in
                b) : >"$d/b" ;;
                k) kill -"$b" "$c" 2>/dev/null ;;
                e) group "$b" "$c" "$t" 2>/dev/null </dev/null & ;;
                r) rm -f "$d/$b" ;;
            esac
        done
        kill "$o"
        end 5 2>/dev/null
        """;

    /// <summary>Runs pwsh ($2) with the arguments that follow, and prints $1 and its exit code on standard error. Its descriptor 3 is what
    /// comes from ssh, and 4 what goes to it; standard output is standard error until the job has its own.</summary>
    /// <remarks>The shell stays, so that ssh gets an exit code also where a signal ends pwsh. What it would say about that is not the
    /// job's.</remarks>
    private const string Start = """
        exec 3<&0 4>&1 5>&2 </dev/null >/dev/null 2>&1
        m=$1
        shift
        (exec "$@" >&5 2>&5 5>&-)
        c=$?
        printf "%s %s\n" "$m" "$c" >&5
        exit "$c"
        """;

    /// <summary>Takes an archive (tar) from its input and puts its content in place, as $1: unpacked beside it, as $1.$2, checked, made
    /// read-only, and renamed. If another connection was first, its copy stays.</summary>
    private const string Install = """
        umask 077
        m=$1 t=$1.$2
        mkdir -p "${m%/*}" && mkdir "$t" && cd "$t" && tar -xzf - && sha256sum -c SHA256SUMS >/dev/null && chmod -R a-w "$t" && {
            if [ -d "$m" ] && ! (cd "$m" && sha256sum -c SHA256SUMS >/dev/null 2>&1); then
                mv -T "$m" "$t.old"
                chmod -R u+w "$t.old"
                rm -rf "$t.old"
            fi
            mv -T "$t" "$m" 2>/dev/null || [ -d "$m" ]
        }
        c=$?
        if [ -d "$t" ]; then chmod -R u+w "$t"; cd /; rm -rf "$t"; fi
        exit "$c"
        """;

    /// <summary>The command that runs <see cref="Keeper"/>.</summary>
    public static string KeeperCommand(string name, string hash) => Command(Keeper, name, hash);

    /// <summary>The command that runs pwsh.</summary>
    public static string StartCommand(string mark, string pwsh, IEnumerable<string> arguments) =>
        Command(Start, [mark, pwsh, .. arguments]);

    /// <summary>The command that takes the module.</summary>
    public static string InstallCommand(string folder, string suffix) => Command(Install, folder, suffix);

    /// <summary>A word for a POSIX shell that stands for a text, whatever it contains.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Command(string script, params string[] arguments) =>
        string.Join(' ', ["exec", "sh", "-c", Quote(script), "ipcps", .. arguments.Select(Quote)]);
}
