/*
 * socket_oneway stream|seqpacket|tcp COUNT SIZE: one send(2) a message; the reader takes what there is, or one
 * packet a call. Messages a second.
 */
#include "socket.h"

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    long count = atol(argv[2]), size = atol(argv[3]);
    int data[2], done[2];
    make(argv[1], data);
    if (pipe(done) != 0) die("pipe");
    char *buffer = malloc(65536 > size ? 65536 : size);
    memset(buffer, 'x', size);
    if (fork() == 0) {
        long left = count * size;
        if (write(done[1], "r", 1) != 1) die("write");
        while (left > 0) {
            ssize_t got = recv(data[1], buffer, 65536, 0);
            if (got <= 0) die("recv");
            left -= got;
        }
        if (write(done[1], "d", 1) != 1) die("write");
        _exit(0);
    }
    char c;
    if (read(done[0], &c, 1) != 1) die("read");
    double start = begin();
    for (long i = 0; i < count; i++) {
        for (long at = 0; at < size;) {
            ssize_t put = send(data[0], buffer + at, size - at, 0);
            if (put < 0) die("send");
            at += put;
        }
    }
    if (read(done[0], &c, 1) != 1) die("read");
    report(count / (now() - start), count, count);
    return 0;
}
