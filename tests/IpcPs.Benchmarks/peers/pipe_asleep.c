/* pipe_asleep COUNT SIZE: a round trip over two pipes each millisecond, so that both sides sleep in between. Microseconds a round trip. */
#include "common.h"

int main(int argc, char **argv)
{
    long count = atol(argv[1]), size = atol(argv[2]);
    int there[2], back[2];
    if (argc < 3 || pipe(there) != 0 || pipe(back) != 0) die("pipe");
    char *message = calloc(1, size);
    if (fork() == 0) {
        pin(1);
        for (long i = 0; i < count; i++)
            if (read(there[0], message, size) != size || write(back[1], message, size) != size) die("echo");
        _exit(0);
    }
    pin(0);
    double spent = 0;
    for (long i = 0; i < count; i++) {
        usleep(1000);
        double start = now();
        if (write(there[1], message, size) != size || read(back[0], message, size) != size) die("echo");
        spent += now() - start;
    }
    printf("%f\n", spent * 1e6 / count);
    wait(NULL);
    return 0;
}
