/*
 * memcpy_blocks COUNT SIZE AREA: messages of SIZE copied one behind the other into an area of AREA bytes, round
 * and round. Messages a second.
 */
#include "common.h"

int main(int argc, char **argv)
{
    long count = atol(argv[1]), size = atol(argv[2]), area = atol(argv[3]);
    if (argc < 4) die("arguments");
    char *from = malloc(area), *to = malloc(area);
    memset(from, 1, area);
    memset(to, 2, area);
    double start = now();
    for (long i = 0, at = 0; i < count; i++) {
        memcpy(to + at, from + at, size);
        __asm__ volatile("" ::: "memory");
        at = at + 2 * size <= area ? at + size : 0;
    }
    printf("%f\n", count / (now() - start));
    return 0;
}
