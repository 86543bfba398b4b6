/* signal_sender PID SIGNAL COUNT: sigqueue(3) of 0 to COUNT - 1, again where the receiver's queue is full. Prints how many were sent. */
#include "common.h"
#include <signal.h>

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    long count = atol(argv[3]);
    for (long i = 0; i < count; i++) {
        union sigval value = { .sival_int = i };
        while (sigqueue(atoi(argv[1]), atoi(argv[2]), value) != 0) {
            if (errno != EAGAIN) die("sigqueue");
            sched_yield();
        }
    }
    printf("%ld\n", count);
    return 0;
}
