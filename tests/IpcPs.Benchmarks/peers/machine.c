/*
 * machine PROCESSES OBJECTS FOLDER COMMAND...: runs a command on a machine with that many processes, which hold
 * that many IPC objects of all kinds, and removes them afterwards. FOLDER is for FIFOs and sockets. As the first
 * process of a namespace of its own it also gives itself a /dev/shm.
 */
#include "common.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Of twenty objects: queues, semaphore sets, segments, FIFOs, sockets; the rest are shared memory. */
enum { QUEUES = 4, SETS = 4, SEGMENTS = 2, FIFOS = 3, SOCKETS = 3, MEMORIES = 4, OF = 20 };

static const char *folder;
static int own;

static void path_of(char *path, size_t size, const char *kind, long i)
{
    if (kind[0] == 'm') snprintf(path, size, "/ipcps-machine-%d-%ld", own, i);
    else snprintf(path, size, "%s/%s%ld", folder, kind, i);
}

static void hold(long child, long processes, long share)
{
    char path[200];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (long i = child; i < share * MEMORIES; i += processes) {
        path_of(path, sizeof path, "m", i);
        int fd = shm_open(path, O_RDWR, 0);
        if (fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED) die(path);
    }
    for (long i = child; i < share * FIFOS; i += processes) {
        path_of(path, sizeof path, "fifo", i);
        if (open(path, O_RDWR) < 0) die(path);
    }
    for (long i = child; i < share * SOCKETS; i += processes) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        path_of(path, sizeof path, "socket", i);
        memcpy(at.sun_path, path, strlen(path) + 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1) != 0) die(path);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    long processes = atol(argv[1]), share = atol(argv[2]) / OF;
    folder = argv[3];
    own = getpid();
    if (getpid() == 1 && mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=256m") != 0) die("mount");
    int *ids = calloc(share * (QUEUES + SETS + SEGMENTS), sizeof *ids), made = 0;
    pid_t *children = calloc(processes, sizeof *children);
    char path[200], c;
    int ready[2];
    if (pipe(ready) != 0) die("pipe");
    for (long i = 0; i < share * QUEUES; i++) if ((ids[made++] = msgget(IPC_PRIVATE, 0600)) < 0) die("msgget");
    for (long i = 0; i < share * SETS; i++) if ((ids[made++] = semget(IPC_PRIVATE, 1, 0600)) < 0) die("semget");
    for (long i = 0; i < share * SEGMENTS; i++) if ((ids[made++] = shmget(IPC_PRIVATE, 4096, 0600)) < 0) die("shmget");
    for (long i = 0; i < share * MEMORIES; i++) {
        path_of(path, sizeof path, "m", i);
        int fd = shm_open(path, O_CREAT | O_RDWR, 0600);
        if (fd < 0 || ftruncate(fd, 4096) != 0) die(path);
        close(fd);
    }
    for (long i = 0; i < share * FIFOS; i++) {
        path_of(path, sizeof path, "fifo", i);
        if (mkfifo(path, 0600) != 0) die(path);
    }
    for (long i = 0; i < processes; i++) {
        if ((children[i] = fork()) == 0) {
            hold(i, processes, share);
            if (write(ready[1], "r", 1) != 1) die("write");
            for (;;) pause();
        }
        if (children[i] < 0) die("fork");
    }
    for (long i = 0; i < processes; i++) if (read(ready[0], &c, 1) != 1) die("read");
    pid_t command = fork();
    if (command == 0) {
        execvp(argv[4], argv + 4);
        die(argv[4]);
    }
    int status;
    waitpid(command, &status, 0);
    for (long i = 0; i < processes; i++) kill(children[i], SIGKILL);
    for (long i = 0; i < processes; i++) waitpid(children[i], NULL, 0);
    for (int i = 0; i < made; i++) {
        if (i < share * QUEUES) msgctl(ids[i], IPC_RMID, NULL);
        else if (i < share * (QUEUES + SETS)) semctl(ids[i], 0, IPC_RMID);
        else shmctl(ids[i], IPC_RMID, NULL);
    }
    for (long i = 0; i < share * MEMORIES; i++) { path_of(path, sizeof path, "m", i); shm_unlink(path); }
    for (long i = 0; i < share * FIFOS; i++) { path_of(path, sizeof path, "fifo", i); unlink(path); }
    for (long i = 0; i < share * SOCKETS; i++) { path_of(path, sizeof path, "socket", i); unlink(path); }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
