/* semaphore_roundtrip posix|sysv COUNT CORE CORE: two semaphores, post one and wait for the other. Microseconds a round trip. */
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
    struct sembuf down = { i, -1, 0 };
    if ((set >= 0 ? semop(set, &down, 1) : sem_wait(named + i)) != 0) die("wait");
}

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    long count = atol(argv[2]);
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
        if (i == 0) start = now();
        post(0);
        await(1);
    }
    printf("%f\n", (now() - start) * 1e6 / count);
    wait(NULL);
    if (set >= 0) semctl(set, 0, IPC_RMID);
    return 0;
}
