/* queue_roundtrip posix|sysv COUNT SIZE CORE CORE: blocking calls on two queues. Microseconds a round trip. */
#include "queue.h"

int main(int argc, char **argv)
{
    if (argc < 6) return 2;
    long count = atol(argv[2]), size = atol(argv[3]);
    struct queue there = make(argv[1], "there"), back = make(argv[1], "back");
    struct text m = { 1, "x" };
    if (fork() == 0) {
        pin(atoi(argv[5]));
        for (long i = 0; i < count + 1000; i++) {
            get(there, &m);
            put(back, &m, size);
        }
        _exit(0);
    }
    pin(atoi(argv[4]));
    double start = 0;
    for (long i = -1000; i < count; i++) {
        if (i == 0) start = now();
        put(there, &m, size);
        get(back, &m);
    }
    printf("%f\n", (now() - start) * 1e6 / count);
    wait(NULL);
    finish(there);
    finish(back);
    return 0;
}
