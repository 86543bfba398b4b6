/* ring_oneway COUNT SIZE: one writer, one reader, a plain ring. Messages a second. */
#include "ring.h"

int main(int argc, char **argv)
{
    long count = atol(argv[1]), size = atol(argv[2]);
    if (argc < 3 || size > RING / 8) die("arguments");
    struct side side = {new_ring(), 0, 0};
    char *message = calloc(1, size);
    int ready[2], done[2];
    char c = 0;
    if (pipe(ready) != 0 || pipe(done) != 0) die("pipe");
    if (fork() == 0) {
        if (write(ready[1], "r", 1) != 1) die("write");
        for (long i = 0; i < count; i++) get(&side, message);
        if (write(done[1], "d", 1) != 1) die("write");
        _exit(0);
    }
    if (read(ready[0], &c, 1) != 1) die("read");
    double start = begin();
    for (long i = 0; i < count; i++) put(&side, message, size);
    if (read(done[0], &c, 1) != 1) die("read");
    report(count / (now() - start), count, count);
    return 0;
}
