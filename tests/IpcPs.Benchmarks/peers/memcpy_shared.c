/*
 * memcpy_shared SIZE COUNT in|out: memcpy(3) of one large array into or out of shared memory, all pages touched
 * before. Megabytes a second.
 */
#include "common.h"
#include <sys/mman.h>

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    size_t size = atol(argv[1]);
    long count = atol(argv[2]);
    char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0), *own = malloc(size);
    if (shared == MAP_FAILED) die("mmap");
    memset(own, 1, size);
    memset(shared, 2, size);
    int in = argv[3][0] == 'i';
    double start = now();
    for (long i = 0; i < count; i++) {
        memcpy(in ? shared : own, in ? own : shared, size);
        __asm__ volatile("" ::: "memory");
    }
    printf("%f\n", size / 1e6 * count / (now() - start));
    return 0;
}
