/* The two families of message queue behind one pair of calls, which block, or spin before. */
#include "common.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/msg.h>

struct queue { int posix; int id; };
struct text { long type; char bytes[8192]; };

static struct queue make(const char *family, const char *suffix)
{
    struct queue q = { .posix = family[0] == 'p' };
    if (q.posix) {
        char name[64];
        snprintf(name, sizeof name, "/ipcps-bench-c-%d-%s", getpid(), suffix);
        struct mq_attr attr = { .mq_maxmsg = 10, .mq_msgsize = 8192 };
        q.id = mq_open(name, O_RDWR | O_CREAT | O_EXCL | (spins ? O_NONBLOCK : 0), 0600, &attr);
        mq_unlink(name);
    } else {
        q.id = msgget(IPC_PRIVATE, 0600);
    }
    if (q.id < 0) die("make queue");
    return q;
}

static void finish(struct queue q)
{
    if (!q.posix) msgctl(q.id, IPC_RMID, NULL);
}

static void put(struct queue q, struct text *m, size_t size)
{
    m->type = 1;
    int sent = q.posix ? PATIENT(mq_send(q.id, m->bytes, size, 0), await_events(q.id, POLLOUT)) : msgsnd(q.id, m, size, 0);
    if (sent != 0) die("send");
}

static void get(struct queue q, struct text *m)
{
    ssize_t got = q.posix
        ? PATIENT(mq_receive(q.id, m->bytes, sizeof m->bytes, NULL), await_events(q.id, POLLIN))
        : PATIENT(msgrcv(q.id, m, sizeof m->bytes, 0, spins ? IPC_NOWAIT : 0),
            { result_ = msgrcv(q.id, m, sizeof m->bytes, 0, 0); break; });
    if (got < 0) die("receive");
}
