/*
 * socket_roundtrip stream|seqpacket|tcp COUNT SIZE CORE CORE [spin]: calls on one connection, blocking or spinning.
 * Microseconds a round trip.
 */
#include "socket.h"

static void get(int end, char *buffer, long size)
{
    for (long at = 0; at < size;) {
        ssize_t got = PATIENT(recv(end, buffer + at, size - at, spins ? MSG_DONTWAIT : 0), await_events(end, POLLIN));
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
    spin_if(argc, argv, 6);
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
        if (i == 0) start = begin();
        put(ends[0], buffer, size);
        get(ends[0], buffer, size);
    }
    report((now() - start) * 1e6 / count, count, count + 1000);
    return 0;
}
