/*
 * signal_roundtrip COUNT CORE CORE [spin]: a real-time signal with a value each way, sigqueue(3) and sigtimedwait(2),
 * blocking or spinning. Microseconds a round trip.
 */
#include "common.h"
#include <signal.h>

static void queue(pid_t to, int value)
{
    union sigval v = { .sival_int = value };
    if (sigqueue(to, SIGRTMIN + 3, v) != 0) die("sigqueue");
}

static int await(const sigset_t *set)
{
    siginfo_t info;
    struct timespec limit = { 30, 0 };
    static const struct timespec none;
    long got = PATIENT(sigtimedwait(set, &info, spins ? &none : &limit), { result_ = sigtimedwait(set, &info, &limit); break; });
    if (got < 0) die("sigtimedwait");
    return info.si_value.sival_int;
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    long count = atol(argv[1]);
    spin_if(argc, argv, 4);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        pin(atoi(argv[3]));
        for (long i = 0; i < count + 1000; i++) queue(parent, await(&set));
        _exit(0);
    }
    pin(atoi(argv[2]));
    double start = 0;
    for (long i = -1000; i < count; i++) {
        if (i == 0) start = begin();
        queue(child, i);
        if (await(&set) != (int)i) die("echo");
    }
    report((now() - start) * 1e6 / count, count, count + 1000);
    return 0;
}
