/*
 * strew PREFIX KEY COUNT FOLDER: creates COUNT objects of each kind, uses each, prints "ready", and waits to be killed.
 * Named pipes and sockets lie in FOLDER, unless it is "-".
 */
#include <fcntl.h>
#include <mqueue.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void check(int ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    const char *prefix = argv[1], *folder = argv[4];
    int key = atoi(argv[2]), count = atoi(argv[3]);
    for (int i = 0; i < count; i++) {
        char name[200];
        snprintf(name, sizeof name, "/%s-%d", prefix, i);
        int shm = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
        check(shm >= 0 && ftruncate(shm, 4096) == 0, "shm_open");
        check(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, shm, 0) != MAP_FAILED, "mmap");
        close(shm); /* mapped is held as well */
        check(sem_open(name, O_CREAT | O_EXCL, 0600, 3) != SEM_FAILED, "sem_open");
        struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 64 };
        mqd_t mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
        check(mq >= 0 && mq_send(mq, "x", 1, 0) == 0, "mq_open");

        struct { long type; char text[4]; } message = { 1, "abc" };
        int queue = msgget(key + i, IPC_CREAT | IPC_EXCL | 0600);
        check(queue >= 0 && msgsnd(queue, &message, 4, 0) == 0, "msgget");
        int segment = shmget(key + i, 4096, IPC_CREAT | IPC_EXCL | 0600);
        check(segment >= 0 && shmat(segment, 0, 0) != (void *)-1, "shmget");
        int set = semget(key + i, 2, IPC_CREAT | IPC_EXCL | 0600);
        struct sembuf post = { 0, 1, 0 };
        check(set >= 0 && semop(set, &post, 1) == 0, "semget");

        if (!strcmp(folder, "-")) continue;
        char path[300];
        snprintf(path, sizeof path, "%s/%s-%d", folder, prefix, i);
        check(mkfifo(path, 0600) == 0 && open(path, O_RDWR) >= 0, "mkfifo");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(address.sun_path, sizeof address.sun_path, "%s/%s-%d.s", folder, prefix, i);
        int server = socket(AF_UNIX, i % 2 ? SOCK_STREAM : SOCK_DGRAM, 0);
        check(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && (i % 2 == 0 || listen(server, 5) == 0), "bind");
    }
    puts("ready");
    fflush(stdout);
    for (;;) pause();
}
