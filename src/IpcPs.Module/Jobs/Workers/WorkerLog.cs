using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using IpcPs.Module.Files;

namespace IpcPs.Module.Jobs.Workers;

/// <summary>A file with one line of JSON for each item that is finished: what was done, by which worker, when, for how long, and with what
/// result. Each line is in the file when the item's output has been handed over, so a later run can leave out what is done.</summary>
internal sealed class WorkerLog : IDisposable
{
    /// <summary>From this length on, a text is shortened, and its hash tells it from others.</summary>
    private const int LongText = 500;

    private const string Done = "Done";

    private readonly FileStream _file;
    private readonly Dictionary<string, int> _done = [];

    private WorkerLog(FileStream file) => _file = file;

    /// <summary>Opens the log.</summary>
    /// <param name="path">The file. It is created with mode 0600.</param>
    /// <param name="resume">Whether to read what is in it, and to continue it. Otherwise it must not exist.</param>
    /// <exception cref="IpcException"><see cref="IpcErrors.AlreadyExists"/>; <see cref="IpcErrors.AccessDenied"/>;
    /// <see cref="IpcErrors.NotFound"/>: there is no such folder.</exception>
    public static WorkerLog Open(string path, bool resume)
    {
        var options = new FileStreamOptions
        {
            Mode = resume ? FileMode.OpenOrCreate : FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        try
        {
            var log = new WorkerLog(new FileStream(path, options));
            log.Read();
            return log;
        }
        catch (IOException) when (!resume && File.Exists(path))
        {
            throw new IpcException(IpcErrors.AlreadyExists, $"The log '{path}' exists already.", path,
                "Use -Resume to do only what it does not have as done, or remove it.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IpcException(FilePaths.IdOf(e), e.Message, path);
        }
    }

    /// <summary>What the log calls an object: its text. It is the same in a later run, if the object is.</summary>
    public static string TextOf(object? item)
    {
        var text = item?.ToString() ?? "";
        if (text.Length < LongText) return text;
        return $"{text[..100]}... sha256:{Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
    }

    /// <summary>Whether an earlier run has done the item. Of two items with the same text, each needs a line.</summary>
    public bool IsDone(string text)
    {
        if (!_done.TryGetValue(text, out var times) || times == 0) return false;
        _done[text] = times - 1;
        return true;
    }

    /// <summary>Adds a line: one write(2).</summary>
    /// <exception cref="IpcException"><see cref="IpcErrors.SystemError"/>: the disk is full, for example.</exception>
    public void Add(WorkItem item)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("Item", item.Text);
            json.WriteNumber("Worker", item.Worker);
            json.WriteString("Started", item.Started.ToString("o", CultureInfo.InvariantCulture));
            json.WriteNumber("Seconds", Math.Round(item.Duration.TotalSeconds, 6));
            json.WriteString("Result", item.Failure is null ? Done : "Failed");
            if (item.Failure is { } failure) json.WriteString("Error", failure.ToString());
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        try
        {
            _file.Write(line.GetBuffer(), 0, (int)line.Length);
        }
        catch (IOException e)
        {
            throw new IpcException(IpcErrors.SystemError, $"The log '{_file.Name}' can't be written. {e.Message}", _file.Name);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private void Read()
    {
        using var reader = new StreamReader(_file, Encoding.UTF8, leaveOpen: true);
        var text = reader.ReadToEnd();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                if (json.RootElement.GetProperty("Result").GetString() != Done) continue;
                var item = json.RootElement.GetProperty("Item").GetString() ?? "";
                _done[item] = _done.GetValueOrDefault(item) + 1;
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                // The last line of a run that was killed.
            }
        }
        // So that a new line does not continue it.
        if (text.Length > 0 && text[^1] != '\n') _file.WriteByte((byte)'\n');
    }
}
