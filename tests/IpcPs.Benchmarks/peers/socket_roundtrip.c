/* socket_roundtrip stream|seqpacket|tcp COUNT SIZE CORE CORE: blocking calls on one connection. Microseconds a round trip. */
#include "socket.h"

static void get(int end, char *buffer, long size)
{
    for (long at = 0; at < size;) {
        ssize_t got = recv(end, buffer + at, size - at, 0);
        if (got <= 0) die("recv");
        at += got;
    }
}

static void put(int end, char *buffer, long size)
{
    if (send(end, buffer, size, 0) != size) die("send");
}

int main(int argc, char **argv)
{
    if (argc < 6) return 2;
    long count = atol(argv[2]), size = atol(argv[3]);
    int ends[2];
    make(argv[1], ends);
    char *buffer = calloc(1, size);
    if (fork() == 0) {
        pin(atoi(argv[5]));
        for (long i = 0; i < count + 1000; i++) {
            get(ends[1], buffer, size);
            put(ends[1], buffer, size);
        }
        _exit(0);
    }
    pin(atoi(argv[4]));
    double start = 0;
    for (long i = -1000; i < count; i++) {
        if (i == 0) start = now();
        put(ends[0], buffer, size);
        get(ends[0], buffer, size);
    }
    printf("%f\n", (now() - start) * 1e6 / count);
    wait(NULL);
    return 0;
}
