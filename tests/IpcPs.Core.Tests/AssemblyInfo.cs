// Many tests look at the whole process: its descriptors, threads, signals, the ports that it is given. Another one beside them would be in
// the picture.
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = true)]
