/*
 * What the C peers share. Each prints its figure and ends with 0. One that has a child prints two more numbers behind it: the microseconds
 * of processor time a message, of this process and of its child.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static inline double cpu(int whose)
{
    struct rusage used;
    getrusage(whose, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static double cpu_at_start;

/* Begins what is measured. */
static inline double begin(void)
{
    cpu_at_start = cpu(RUSAGE_SELF);
    return now();
}

/* Prints the figure; each message costs this process and its children so much. */
static inline void report(double figure, long messages, long of_children)
{
    double own = cpu(RUSAGE_SELF) - cpu_at_start;
    while (wait(NULL) > 0) { }
    printf("%f %f %f\n", figure, own * 1e6 / messages, cpu(RUSAGE_CHILDREN) * 1e6 / of_children);
}

/*
 * A peer that is started with "spin" waits as IpcPs does: it retries a call that would block for 20 us, with sched_yield(2) in
 * between, and only then sleeps. Without it, a call blocks at once: the retries below are for descriptors that do not block.
 */
static int spins;

static inline void spin_if(int argc, char **argv, int at) { spins = argc > at && strcmp(argv[at], "spin") == 0; }

static inline void may_spin(int fd)
{
    if (spins) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static inline int spin_again(double *until)
{
    if (*until == 0) *until = now() + 20e-6;
    sched_yield();
    return now() < *until;
}

/* The result of CALL; SLEEP is what waits where the retries were in vain. */
#define PATIENT(call, sleep) ({ \
    double until_ = 0; \
    long result_; \
    while ((result_ = (call)) < 0 && (errno == EAGAIN || errno == ENOMSG)) { \
        if (spin_again(&until_)) continue; \
        sleep; \
        until_ = 0; \
    } \
    result_; })

static inline void await_events(int fd, int events)
{
    struct pollfd one = { fd, events, 0 };
    poll(&one, 1, -1);
}

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

static inline void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) die("sched_setaffinity");
}
