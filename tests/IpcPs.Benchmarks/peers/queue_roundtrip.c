/* queue_roundtrip posix|sysv COUNT SIZE CORE CORE [spin]: calls on two queues, blocking or spinning. Microseconds a round trip. */
#include "queue.h"

int main(int argc, char **argv)
{
    if (argc < 6) return 2;
    long count = atol(argv[2]), size = atol(argv[3]);
    spin_if(argc, argv, 6);
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
        if (i == 0) start = begin();
        put(there, &m, size);
        get(back, &m);
    }
    report((now() - start) * 1e6 / count, count, count + 1000);
    finish(there);
    finish(back);
    return 0;
}
