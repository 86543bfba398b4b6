/* A connected pair of sockets of each kind: unix stream, unix seqpacket, TCP over loopback. Both ends block. */
#include "common.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static void make(const char *kind, int ends[2])
{
    if (kind[0] != 't') {
        if (socketpair(AF_UNIX, kind[1] == 't' ? SOCK_STREAM : SOCK_SEQPACKET, 0, ends) != 0) die("socketpair");
        return;
    }
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;
    int one = 1, listening = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listening, (struct sockaddr *)&at, sizeof at) != 0 || listen(listening, 1) != 0) die("listen");
    if (getsockname(listening, (struct sockaddr *)&at, &length) != 0) die("getsockname");
    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(ends[0], (struct sockaddr *)&at, sizeof at) != 0 || (ends[1] = accept(listening, NULL, NULL)) < 0) die("connect");
    for (int i = 0; i < 2; i++) setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    close(listening);
}
