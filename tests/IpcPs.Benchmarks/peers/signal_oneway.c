/* signal_oneway COUNT: real-time signals with a value, sent as signal_sender does, read from a signalfd(2). Signals a second. */
#include "common.h"
#include <signal.h>
#include <sys/signalfd.h>

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    long count = atol(argv[1]);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, 0);
    pid_t parent = getpid();
    double start = now();
    if (fork() == 0) {
        for (long i = 0; i < count; i++) {
            union sigval value = { .sival_int = i };
            while (sigqueue(parent, SIGRTMIN + 3, value) != 0) {
                if (errno != EAGAIN) die("sigqueue");
                sched_yield();
            }
        }
        _exit(0);
    }
    static struct signalfd_siginfo infos[64];
    for (long got = 0; got < count;) {
        ssize_t bytes = read(fd, infos, sizeof infos);
        if (bytes <= 0) die("read");
        for (size_t i = 0; i < bytes / sizeof infos[0]; i++)
            if (infos[i].ssi_int != got++) die("order");
    }
    printf("%f\n", count / (now() - start));
    wait(NULL);
    return 0;
}
