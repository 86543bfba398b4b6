/* zmq_oneway COUNT SIZE: ZeroMQ's push and pull sockets over ipc, which batches what is sent quickly. Messages a second. */
#include "common.h"
#include <zmq.h>

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    long count = atol(argv[1]), size = atol(argv[2]);
    char place[100], c, *message = calloc(1, size);
    snprintf(place, sizeof place, "ipc://@ipcps-bench-zmq-%d", getpid());
    int ready[2], done[2], none = 0;
    if (pipe(ready) != 0 || pipe(done) != 0) die("pipe");
    pid_t child = fork();
    void *context = zmq_ctx_new();
    if (child == 0) {
        void *pull = zmq_socket(context, ZMQ_PULL);
        zmq_setsockopt(pull, ZMQ_RCVHWM, &none, sizeof none);
        if (zmq_bind(pull, place) != 0) die("zmq_bind");
        if (write(ready[1], "r", 1) != 1) die("write");
        for (long i = 0; i < count; i++)
            if (zmq_recv(pull, message, size, 0) != size) die("zmq_recv");
        if (write(done[1], "d", 1) != 1) die("write");
        _exit(0);
    }
    void *push = zmq_socket(context, ZMQ_PUSH);
    zmq_setsockopt(push, ZMQ_SNDHWM, &none, sizeof none);
    if (read(ready[0], &c, 1) != 1 || zmq_connect(push, place) != 0) die("zmq_connect");
    double start = now();
    for (long i = 0; i < count; i++)
        if (zmq_send(push, message, size, 0) != size) die("zmq_send");
    if (read(done[0], &c, 1) != 1) die("read");
    printf("%f\n", count / (now() - start));
    wait(NULL);
    return 0;
}
