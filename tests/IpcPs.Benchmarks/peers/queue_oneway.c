/* queue_oneway posix|sysv COUNT SIZE: one blocking call a message on each side. Messages a second. */
#include "queue.h"

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    long count = atol(argv[2]), size = atol(argv[3]);
    struct queue data = make(argv[1], "data"), done = make(argv[1], "done");
    struct text m = { 1, "x" };
    if (fork() == 0) {
        put(done, &m, 1);
        for (long i = 0; i < count; i++) get(data, &m);
        put(done, &m, 1);
        _exit(0);
    }
    get(done, &m);
    double start = begin();
    for (long i = 0; i < count; i++) put(data, &m, size);
    get(done, &m);
    report(count / (now() - start), count, count);
    finish(data);
    finish(done);
    return 0;
}
