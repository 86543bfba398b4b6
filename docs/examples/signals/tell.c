/* tell PID COUNT: sends SIGRTMIN+3 with the numbers 1 to COUNT, each once, in order. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    pid_t pid = atoi(argv[1]);
    for (int i = 1; i <= atoi(argv[2]); i++) {
        union sigval value = { .sival_int = i };
        while (sigqueue(pid, SIGRTMIN + 3, value) != 0) {
            if (errno != EAGAIN) { perror("sigqueue"); return 1; }
            sched_yield(); /* RLIMIT_SIGPENDING signals wait: the receiver is behind */
        }
    }
    return 0;
}
