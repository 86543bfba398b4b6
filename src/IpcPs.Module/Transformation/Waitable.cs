using System.Collections;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Management.Automation;
using IpcPs.Signals;

namespace IpcPs.Module.Transformation;

/// <summary>The argument of a parameter that accepts anything that can be waited for: one of the properties is set.</summary>
[TypeConverter(typeof(WaitableConverter))]
public sealed class Waitable
{
    internal Waitable(object original) => Original = original;

    /// <summary>What the user gave.</summary>
    public object Original { get; }

    /// <summary>An IPC object or its address.</summary>
    public IpcTarget? Target { get; internal init; }

    /// <summary>A job.</summary>
    public Job? Job { get; internal init; }

    /// <summary>A process.</summary>
    public ProcessReference? Process { get; internal init; }

    /// <summary>A signal.</summary>
    public Signal? Signal { get; internal init; }

    /// <inheritdoc/>
    public override string ToString() => Original.ToString() ?? "";
}

/// <summary>Lets a <see cref="Waitable"/> parameter accept IPC objects and their addresses, jobs, Process objects, process ids, and
/// signals.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class WaitableTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var all = new List<Waitable>();
        Add(all, inputData);
        return all.ToArray();
    }

    internal static Waitable One(object? value)
    {
        var original = Unwrapped.Value(value);
        return original switch
        {
            Waitable waitable => waitable,
            Job job => new Waitable(job) { Job = job },
            Process or int or long => new Waitable(original) { Process = ProcessTransformationAttribute.One(original) },
            Signal signal => new Waitable(original) { Signal = signal },
            SignalDescription description => new Waitable(original) { Signal = description.Signal },
            string text when !text.Contains(':', StringComparison.Ordinal) => OfName(text),
            _ => new Waitable(value!) { Target = IpcTargetTransformationAttribute.TransformOne(value) },
        };
    }

    // A text without a scheme is a signal or a process id.
    private static Waitable OfName(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            return new Waitable(text) { Process = new ProcessReference(id) };
        try
        {
            return new Waitable(text) { Signal = Signals.Signal.Parse(text) };
        }
        catch (IpcException e)
        {
            throw new ArgumentTransformationMetadataException(
                $"'{text}' is not an address (such as 'mq:/jobs'), a process id or a signal (such as 'USR1').", e);
        }
    }

    private static void Add(List<Waitable> to, object? value)
    {
        // '$queues, $job' is an array in an array.
        if (Unwrapped.Value(value) is not IList list) to.Add(One(value));
        else foreach (var one in list) Add(to, one);
    }
}

/// <summary>Converts to a <see cref="Waitable"/>.</summary>
public sealed class WaitableConverter : ArgumentConverter
{
    private protected override object Convert(object? value) => WaitableTransformationAttribute.One(value);
}
