using System.Management.Automation.Runspaces;
using System.Text;

namespace IpcPs.Host;

/// <summary>What <c>ipcps</c> was asked to do: pwsh's command line, so that the same one starts either.</summary>
internal sealed class CommandLine
{
    public const string Usage = """
        Usage: ipcps [options] FILE [ARGUMENTS]        runs a script file
               ipcps [options] -Command TEXT           runs a script; -c for short
               ipcps [options] -EncodedCommand BASE64  runs a script, UTF-16 in Base64; -e for short
               ipcps [options] -                       runs a script from standard input
               ipcps                                   prompts, on a terminal

        Options: -File FILE [ARGUMENTS], -CommandWithArgs TEXT [ARGUMENTS], -NoExit, -NonInteractive, -WorkingDirectory PATH, -Version, -Help;
        accepted and without effect here: -NoProfile, -NoLogo, -Login, -Interactive, -ExecutionPolicy NAME, -InputFormat Text, -OutputFormat Text.
        """;

    // pwsh's rule: a name may be cut, down to its shortest unambiguous form.
    private static readonly (string Name, string Shortest, Option Option)[] Names =
    [
        ("help", "h", Option.Help), ("?", "?", Option.Help), ("version", "v", Option.Version),
        ("noexit", "noe", Option.NoExit), ("noninteractive", "noni", Option.NonInteractive),
        ("noprofile", "nop", Option.Ignored), ("nologo", "nol", Option.Ignored), ("noprofileloadtime", "noprofileloadtime", Option.Ignored),
        ("login", "l", Option.Ignored), ("interactive", "i", Option.Ignored),
        ("executionpolicy", "ex", Option.IgnoredWithValue), ("ep", "ep", Option.IgnoredWithValue),
        ("inputformat", "inp", Option.Format), ("if", "if", Option.Format), ("outputformat", "o", Option.Format), ("of", "of", Option.Format),
        ("workingdirectory", "wo", Option.WorkingDirectory), ("wd", "wd", Option.WorkingDirectory),
        ("commandwithargs", "commandwithargs", Option.CommandWithArgs), ("cwa", "cwa", Option.CommandWithArgs),
        ("command", "c", Option.Command), ("file", "f", Option.File),
        ("encodedcommand", "e", Option.EncodedCommand), ("ec", "ec", Option.EncodedCommand),
    ];

    private readonly List<CommandParameter> _arguments = [];

    private CommandLine() => Mode = CommandMode.Interactive;

    private enum Option
    {
        Help,
        Version,
        NoExit,
        NonInteractive,
        Ignored,
        IgnoredWithValue,
        Format,
        WorkingDirectory,
        CommandWithArgs,
        Command,
        File,
        EncodedCommand,
        FileName,
    }

    public CommandMode Mode { get; private set; }

    /// <summary>The script, for <see cref="CommandMode.Command"/>.</summary>
    public string Script { get; private set; } = "";

    /// <summary>The full path, for <see cref="CommandMode.File"/>.</summary>
    public string File { get; private set; } = "";

    /// <summary>The script's arguments.</summary>
    public IReadOnlyList<CommandParameter> Arguments => _arguments;

    /// <summary>Whether a question to the user is an error.</summary>
    public bool NonInteractive { get; private set; }

    /// <summary>Whether to prompt after the script.</summary>
    public bool NoExit { get; private set; }

    /// <summary>The folder to start in; null for the current one.</summary>
    public string? WorkingDirectory { get; private set; }

    /// <summary>What is wrong with it; null where it makes sense.</summary>
    public string? Error { get; private set; }

    /// <summary>Reads a command line.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="inputIsRedirected">Whether standard input is something other than a terminal: a script is read from it then.</param>
    public static CommandLine Parse(string[] args, bool inputIsRedirected)
    {
        var line = new CommandLine();
        var i = 0;
        while (i < args.Length && line.Error is null) i = line.Take(args, i);
        if (line.Mode == CommandMode.Interactive && inputIsRedirected) line.Mode = CommandMode.StandardInput;
        return line;
    }

    private int Take(string[] args, int i)
    {
        var option = Match(args[i]);
        var value = i + 1 < args.Length ? args[i + 1] : null;
        switch (option)
        {
            case Option.Help:
                Mode = CommandMode.Help;
                return args.Length;
            case Option.Version:
                Mode = CommandMode.Version;
                return args.Length;
            case Option.NoExit:
                NoExit = true;
                return i + 1;
            case Option.NonInteractive:
                NonInteractive = true;
                return i + 1;
            case Option.Ignored:
                return i + 1;
        }
        if (option != Option.FileName && value is null) return Fail($"A value must follow {args[i]}.");
        switch (option)
        {
            case Option.Format when !string.Equals(value, "Text", StringComparison.OrdinalIgnoreCase):
                return Fail($"'{value}' is not supported for {args[i]}: ipcps reads and writes text. Start-IpcJob exchanges objects.");
            case Option.WorkingDirectory:
                WorkingDirectory = value;
                return i + 2;
            case Option.Command when value == "-":
                if (i + 2 < args.Length) return Fail("Nothing can follow '-Command -'.");
                Mode = CommandMode.StandardInput;
                return args.Length;
            case Option.Command:
                Script = string.Join(' ', args[(i + 1)..]);
                Mode = CommandMode.Command;
                return args.Length;
            case Option.CommandWithArgs:
                Script = value!;
                Mode = CommandMode.Command;
                foreach (var argument in args.AsSpan(i + 2)) _arguments.Add(new CommandParameter(null, argument));
                return args.Length;
            case Option.EncodedCommand:
                Mode = CommandMode.Command;
                return Decode(value!) ? i + 2 : Fail("The value that follows -EncodedCommand is not a text in UTF-16, encoded in Base64.");
            case Option.File:
                return TakeFile(args, i + 1);
            case Option.FileName:
                return TakeFile(args, i);
            default:
                return i + 2;
        }
    }

    private static Option Match(string arg)
    {
        if (arg.Length < 2 || arg[0] != '-') return Option.FileName;
        var key = arg[(arg.StartsWith("--", StringComparison.Ordinal) ? 2 : 1)..];
        foreach (var (name, shortest, option) in Names)
        {
            if (key.Length >= shortest.Length && name.StartsWith(key, StringComparison.OrdinalIgnoreCase)) return option;
        }
        return Option.FileName;
    }

    private int TakeFile(string[] args, int i)
    {
        if (args[i] == "-")
        {
            Mode = CommandMode.StandardInput;
        }
        else if (System.IO.File.Exists(args[i]))
        {
            Mode = CommandMode.File;
            File = Path.GetFullPath(args[i]);
        }
        else
        {
            return Fail($"'{args[i]}' is neither an option nor the name of a script file that exists.");
        }
        TakeArguments(args.AsSpan(i + 1));
        return args.Length;
    }

    // As pwsh does with what follows -File: '-Name' and '-Name:value' are parameters, '-Switch:$false' is a bool, the rest is text.
    private void TakeArguments(ReadOnlySpan<string> args)
    {
        string? pending = null;
        foreach (var arg in args)
        {
            if (pending is not null)
            {
                _arguments.Add(new CommandParameter(pending, arg));
                pending = null;
            }
            else if (arg.Length < 2 || arg[0] != '-')
            {
                _arguments.Add(new CommandParameter(null, arg));
            }
            else if (arg.IndexOf(':', StringComparison.Ordinal) is var colon && colon < 0)
            {
                _arguments.Add(new CommandParameter(arg));
            }
            else if (colon == arg.Length - 1)
            {
                pending = arg.TrimEnd(':');
            }
            else
            {
                var text = arg[(colon + 1)..];
                object value = bool.TryParse(text.AsSpan(text[0] == '$' ? 1 : 0), out var flag) ? flag : text;
                _arguments.Add(new CommandParameter(arg[..colon], value));
            }
        }
        if (pending is not null) _arguments.Add(new CommandParameter(pending));
    }

    private bool Decode(string base64)
    {
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var count) || count % 2 != 0) return false;
        Script = Encoding.Unicode.GetString(bytes, 0, count);
        return true;
    }

    private int Fail(string error)
    {
        Error = error;
        return int.MaxValue;
    }
}
