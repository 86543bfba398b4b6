using IpcPs.Readiness;

namespace IpcPs.SharedMemory;

/// <summary>The watch of a 32-bit number in shared memory (futex(2)).</summary>
internal sealed class CellWatch(SharedMemorySegment memory, long offset, int value) : BlockingWatch(memory.Address.Text, memory.Closing)
{
    private protected override ReadyState CheckNow() => memory.Read<int>(offset) != value ? ReadyState.Changed : ReadyState.None;

    private protected override void UntilChanged(CancellationToken cancellation) => memory.WaitForChange(offset, value, cancellation);
}
