/*
 * ring_many COUNT SIZE WRITERS READERS: a ring for several writers and readers, each a process; every writer sends COUNT. Messages a
 * second.
 */
#include "ring.h"

static void drain(struct ring *ring, char *message)
{
    while (get_in_turn(ring, message) > 1) { }
    _exit(0);
}

static void pour(struct ring *ring, long count, const char *message, uint32_t size)
{
    for (long i = 0; i < count; i++) put_in_turn(ring, message, size);
}

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    long count = atol(argv[1]), size = atol(argv[2]), writers = atol(argv[3]), readers = atol(argv[4]);
    struct ring *ring = new_ring();
    char *message = calloc(1, size);
    pid_t *pouring = calloc(writers, sizeof *pouring);
    for (long i = 0; i < readers; i++) if (fork() == 0) drain(ring, message);
    double start = begin();
    for (long i = 1; i < writers; i++) {
        if ((pouring[i] = fork()) != 0) continue;
        pour(ring, count, message, size);
        _exit(0);
    }
    pour(ring, count, message, size);
    for (long i = 1; i < writers; i++) waitpid(pouring[i], NULL, 0);
    /* A message of one byte is the end for the reader that gets it. */
    for (long i = 0; i < readers; i++) put_in_turn(ring, message, 1);
    for (long i = 0; i < readers; i++) wait(NULL);
    report(count * writers / (now() - start), count, count * writers);
    return 0;
}
