/*
 * semaphore_roundtrip posix|sysv COUNT CORE CORE [spin]: two semaphores, post one and wait for the other, blocking or
 * spinning. Microseconds a round trip.
 */
#include "common.h"
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

static int set = -1;
static sem_t *named;

static void post(int i)
{
    struct sembuf up = { i, 1, 0 };
    if ((set >= 0 ? semop(set, &up, 1) : sem_post(named + i)) != 0) die("post");
}

static void await(int i)
{
    struct sembuf now_or_never = { i, -1, IPC_NOWAIT }, down = { i, -1, 0 };
    int taken = set >= 0 ? PATIENT(semop(set, spins ? &now_or_never : &down, 1), { result_ = semop(set, &down, 1); break; })
        : PATIENT(spins ? sem_trywait(named + i) : sem_wait(named + i), { result_ = sem_wait(named + i); break; });
    if (taken != 0) die("wait");
}

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    long count = atol(argv[2]);
    spin_if(argc, argv, 5);
    if (argv[1][0] == 's') {
        if ((set = semget(IPC_PRIVATE, 2, 0600)) < 0) die("semget");
    } else {
        named = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (named == MAP_FAILED || sem_init(named, 1, 0) != 0 || sem_init(named + 1, 1, 0) != 0) die("sem_init");
    }
    if (fork() == 0) {
        pin(atoi(argv[4]));
        for (long i = 0; i < count + 1000; i++) {
            await(0);
            post(1);
        }
        _exit(0);
    }
    pin(atoi(argv[3]));
    double start = 0;
    for (long i = -1000; i < count; i++) {
        if (i == 0) start = begin();
        post(0);
        await(1);
    }
    report((now() - start) * 1e6 / count, count, count + 1000);
    if (set >= 0) semctl(set, 0, IPC_RMID);
    return 0;
}
