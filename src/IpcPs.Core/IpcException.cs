namespace IpcPs;

/// <summary>The exception that the library throws for every failure of the machine, a peer or an argument. The only others are
/// <see cref="ArgumentNullException"/> and <see cref="OperationCanceledException"/>.</summary>
public sealed class IpcException : Exception
{
    private readonly string? _recommendedAction;

    /// <summary>Creates an exception of a known kind.</summary>
    /// <param name="id">The kind of failure.</param>
    /// <param name="message">One sentence or two: what failed, on which object, with which value.</param>
    /// <param name="target">The address of the object, or null.</param>
    /// <param name="recommendedAction">What the user can do, or null.</param>
    /// <param name="inner">The cause, or null.</param>
    public IpcException(IpcErrorId id, string message, string? target = null, string? recommendedAction = null, Exception? inner = null)
        : base(message, inner)
    {
        Id = id;
        Target = target;
        _recommendedAction = recommendedAction;
    }

    /// <summary>What kind of failure this is.</summary>
    public IpcErrorId Id { get; }

    /// <summary>The address of the object that failed, or null.</summary>
    public string? Target { get; }

    /// <summary>What the caller can do about it, in a sentence: the given one, or the usual one of <see cref="Advice"/>; or null.</summary>
    public string? RecommendedAction => _recommendedAction ?? IpcAdviceText.Of(Advice);

    /// <summary>The kind of <see cref="RecommendedAction"/>.</summary>
    public IpcAdvice Advice { get; init; }

    /// <summary>The errno of the system call; 0 where no call failed.</summary>
    public int Errno { get; init; }

    /// <summary>The system call that failed, as its man page names it, or null.</summary>
    public string? Call { get; init; }

    /// <summary>Whether only one received message failed: it was skipped, and the next receive is about the next one.</summary>
    public bool IsOfOneMessage { get; internal set; }

    /// <summary>Creates the exception for a failed system call.</summary>
    /// <param name="call">The call, as its man page names it: <c>open</c>, <c>mq_send</c>.</param>
    /// <param name="errno">Its errno.</param>
    /// <param name="target">The object's address, or a path.</param>
    /// <param name="hint">What the user can do, where the caller knows better advice than the usual one of the errno.</param>
    /// <param name="id">The id, where the usual one of the errno does not fit.</param>
    /// <param name="advice">The kind of <paramref name="hint"/>.</param>
    public static IpcException FromErrno(string call, int errno, string? target, string? hint = null, IpcErrorId? id = null,
        IpcAdvice advice = IpcAdvice.None)
    {
        var known = ErrnoTable.Explain(call, errno);
        var on = target is null ? "" : $" on '{target}'";
        return new IpcException(id ?? known.Id, $"{call}{on} failed: {known.Text} ({ErrnoTable.Name(errno)}).", target, hint ?? known.Hint)
        {
            Advice = hint is null ? known.Advice : advice,
            Errno = errno,
            Call = call,
        };
    }

    /// <summary>The exception for a wait whose deadline passed.</summary>
    /// <param name="what">What the caller waited for: "a message on 'mq:/jobs'".</param>
    /// <param name="target">The object's address.</param>
    /// <param name="deadline">The deadline that passed.</param>
    /// <param name="immediate">The id for a caller that does not wait at all.</param>
    public static IpcException TimedOut(string what, string? target, Deadline deadline, IpcErrorId? immediate = null) =>
        deadline.IsImmediate
            ? new IpcException(immediate ?? IpcErrors.Timeout, $"Would have to wait for {what}.", target)
            : new IpcException(IpcErrors.Timeout, $"Waited {deadline.Describe()} for {what}.", target);

    /// <summary>The exception for an argument that is out of range.</summary>
    public static IpcException Argument(string message, string? target = null) => new(IpcErrors.InvalidArgument, message, target);
}
