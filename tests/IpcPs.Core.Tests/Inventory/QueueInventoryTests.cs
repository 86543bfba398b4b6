using IpcPs.Inventory;
using IpcPs.Tests.Queues;
using Xunit;

namespace IpcPs.Tests.Inventory;

[Collection(nameof(QueueTests))]
public class QueueInventoryTests
{
    [Fact]
    public void An_open_queue_is_found_without_the_mqueue_file_system_until_it_is_removed()
    {
        using var queue = TestQueue.Posix(1, 10);
        Assert.Contains(QueueInventory.OpenQueues(new InventoryScan()), i => i.Address.Equals(queue.Address));
        queue.Remove();
        Assert.DoesNotContain(
            QueueInventory.OpenQueues(new InventoryScan()), i => i.Address.Text.StartsWith(queue.Address.Text, StringComparison.Ordinal));
    }
}
