/*
 * single_open queue|memory|semaphore|mutex|held-mutex COUNT FOLDER: each call opens an object by its name, uses it once and closes it, as
 * a command does that is given an address. A held mutex is open: these are the calls of IpcPs alone. Microseconds a call.
 */
#include "common.h"
#include <mqueue.h>
#include <semaphore.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char name[64];

static void queue(int send)
{
    char text[8192] = "x";
    struct mq_attr attr;
    mqd_t q = mq_open(name, (send ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
    if (mq_getattr(q, &attr) != 0) die("mq_getattr");
    if ((send ? mq_send(q, text, 9, 0) : mq_receive(q, text, sizeof text, NULL)) < 0) die("message");
    mq_close(q);
}

static void memory(int write)
{
    struct stat status;
    int fd = shm_open(name, write ? O_RDWR : O_RDONLY, 0);
    if (fd < 0 || fstat(fd, &status) != 0) die("shm_open");
    volatile int *at = mmap(NULL, status.st_size, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) die("mmap");
    if (write) *at = 1;
    else if (*at < 0) die("memory");
    munmap((void *)at, status.st_size);
    close(fd);
}

/* The command that acquires keeps the semaphore open for the one that releases. */
static sem_t *semaphore;

static void post_or_wait(int acquire)
{
    if (acquire) semaphore = sem_open(name, 0);
    if ((acquire ? sem_wait(semaphore) : sem_post(semaphore)) != 0) die("semaphore");
    if (!acquire) sem_close(semaphore);
}

static int mutex_file;
static char path[200], record[32];

static void mutex(int acquire)
{
    if (acquire) mutex_file = open(path, O_RDWR);
    if (flock(mutex_file, acquire ? LOCK_EX : LOCK_UN) != 0) die("flock");
    if (!acquire) close(mutex_file);
}

/* The file must still have the name, and says which process holds it. */
static void held_mutex(int acquire)
{
    struct stat status;
    if (acquire && (flock(mutex_file, LOCK_EX | LOCK_NB) != 0 || stat(path, &status) != 0)) die("flock");
    if (acquire && pread(mutex_file, record, sizeof record, 0) < 0) die("pread");
    if (pwrite(mutex_file, record, sizeof record, 0) != sizeof record) die("pwrite");
    if (!acquire && flock(mutex_file, LOCK_UN) != 0) die("unlock");
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    long count = atol(argv[2]);
    snprintf(name, sizeof name, "/ipcps-bench-c-%d", getpid());
    snprintf(path, sizeof path, "%s%s", argv[3], name);
    void (*call)(int) = argv[1][0] == 'h' ? held_mutex : argv[1][0] == 'q' ? queue
        : argv[1][1] == 'u' ? mutex : argv[1][0] == 's' ? post_or_wait : memory;
    int is_mutex = call == mutex || call == held_mutex;
    struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
    int fd = call == memory ? shm_open(name, O_RDWR | O_CREAT, 0600) : is_mutex ? open(path, O_RDWR | O_CREAT, 0600) : 0;
    mutex_file = fd;
    if (fd < 0 || (call == memory && ftruncate(fd, 4096) != 0)) die("create");
    if (call == queue && mq_open(name, O_RDWR | O_CREAT, 0600, &attr) < 0) die("mq_open");
    /* Closed again: while a process has a semaphore open, glibc gives it the same mapping. */
    if (call == post_or_wait && (semaphore = sem_open(name, O_CREAT, 0600, 1)) == SEM_FAILED) die("sem_open");
    if (call == post_or_wait && sem_close(semaphore) != 0) die("sem_close");
    double start = begin();
    for (long i = 0; i < count; i += 2) {
        call(1);
        call(0);
    }
    report((now() - start) * 1e6 / count, count, count);
    if (call == queue) mq_unlink(name);
    else if (call == memory) shm_unlink(name);
    else if (is_mutex) unlink(path);
    else sem_unlink(name);
    return 0;
}
