/*
 * Sends SIGRTMIN+3 to a process with the values 1 to COUNT, each once and in order.
 *
 *     gcc -o tell tell.c
 *     ./tell PID COUNT
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    pid_t process = argc == 3 ? atoi(argv[1]) : 0;
    int count = argc == 3 ? atoi(argv[2]) : 0;
    if (process <= 0 || count <= 0) {
        fprintf(stderr, "usage: tell PID COUNT\n");
        return 2;
    }
    for (int i = 1; i <= count; i++) {
        union sigval value = {.sival_int = i};
        while (sigqueue(process, SIGRTMIN + 3, value) != 0) {
            if (errno != EAGAIN) {
                perror("sigqueue");
                return 1;
            }
            sched_yield(); /* RLIMIT_SIGPENDING signals are queued: the receiver is behind */
        }
    }
    return 0;
}
