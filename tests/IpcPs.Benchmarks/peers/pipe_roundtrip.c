/* pipe_roundtrip COUNT SIZE CORE CORE [spin]: reads and writes over two pipes, blocking or spinning. Microseconds a round trip. */
#include "common.h"

static void all(int in, int out, char *buffer, long size, int first)
{
    if (first && write(out, buffer, size) != size) die("write");
    for (long at = 0; at < size;) {
        ssize_t got = PATIENT(read(in, buffer + at, size - at), await_events(in, POLLIN));
        if (got <= 0) die("read");
        at += got;
    }
    if (!first && write(out, buffer, size) != size) die("write");
}

int main(int argc, char **argv)
{
    long count = atol(argv[1]), size = atol(argv[2]);
    int there[2], back[2];
    if (argc < 5 || pipe(there) != 0 || pipe(back) != 0) die("pipe");
    spin_if(argc, argv, 5);
    may_spin(there[0]);
    may_spin(back[0]);
    char *buffer = calloc(1, size);
    if (fork() == 0) {
        pin(atoi(argv[4]));
        for (long i = 0; i < count + 1000; i++) all(there[0], back[1], buffer, size, 0);
        _exit(0);
    }
    pin(atoi(argv[3]));
    for (long i = 0; i < 1000; i++) all(back[0], there[1], buffer, size, 1);
    double start = begin();
    for (long i = 0; i < count; i++) all(back[0], there[1], buffer, size, 1);
    report((now() - start) * 1e6 / count, count, count + 1000);
    return 0;
}
