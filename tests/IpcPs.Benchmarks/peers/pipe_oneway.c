/* pipe_oneway COUNT SIZE [FIFO]: one write(2) a message, a reader that takes what there is. Messages a second. */
#include "common.h"
#include <sys/stat.h>

int main(int argc, char **argv)
{
    long count = atol(argv[1]), size = atol(argv[2]);
    int data[2], done[2];
    if (argc < 3 || pipe(data) != 0 || pipe(done) != 0) die("pipe");
    if (argc > 3) {
        int both;
        if (mkfifo(argv[3], 0600) != 0 || (both = open(argv[3], O_RDWR)) < 0) die(argv[3]);
        data[0] = open(argv[3], O_RDONLY);
        data[1] = open(argv[3], O_WRONLY);
        close(both);
        unlink(argv[3]);
    }
    char *buffer = malloc(65536 > size ? 65536 : size);
    memset(buffer, 'x', size);
    if (fork() == 0) {
        long left = count * size;
        if (write(done[1], "r", 1) != 1) die("write");
        while (left > 0) {
            ssize_t got = read(data[0], buffer, 65536);
            if (got <= 0) die("read");
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
            ssize_t put = write(data[1], buffer + at, size - at);
            if (put < 0) die("write");
            at += put;
        }
    }
    if (read(done[0], &c, 1) != 1) die("read");
    report(count / (now() - start), count, count);
    return 0;
}
