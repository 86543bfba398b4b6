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

    [Fact]
    public void A_descriptor_that_is_a_devices_by_now_is_not_read_to_its_end()
    {
        // A listing reads the links first. Until it reads the content, the number may be another file's.
        using var endless = File.OpenHandle("/dev/urandom");
        var scan = new InventoryScan();
        var open = scan.Processes.Descriptors;
        open.Clear();
        open.Add(new ProcessScan.OpenDescriptor(Environment.ProcessId, (int)endless.DangerousGetHandle(), "/proc"));
        Assert.Empty(QueueInventory.OpenQueues(scan));
    }
}
