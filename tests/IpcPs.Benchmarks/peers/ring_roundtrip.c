/* ring_roundtrip COUNT SIZE: two plain rings, both sides spinning. Microseconds a round trip. */
#include "ring.h"

int main(int argc, char **argv)
{
    long count = atol(argv[1]), size = atol(argv[2]);
    if (argc < 3) die("arguments");
    struct side there = {new_ring(), 0, 0}, back = {new_ring(), 0, 0};
    char *message = calloc(1, size);
    if (fork() == 0) {
        pin(1);
        for (long i = 0; i < count + 1000; i++) {
            get(&there, message);
            put(&back, message, size);
        }
        _exit(0);
    }
    pin(0);
    double start = 0;
    for (long i = 0; i < count + 1000; i++) {
        if (i == 1000) start = begin();
        put(&there, message, size);
        get(&back, message);
    }
    report((now() - start) * 1e6 / count, count, count + 1000);
    return 0;
}
