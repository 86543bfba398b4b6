/*
 * Fills the shared memory /samples with numbers, and wakes the process that waits for them.
 *
 *     gcc -o fill fill.c
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct samples {
    int32_t ready;
    int32_t count;
    double values[1000];
};

int main(void)
{
    int file = shm_open("/samples", O_RDWR, 0);
    if (file < 0) {
        perror("shm_open");
        return 1;
    }
    struct samples *samples = mmap(NULL, sizeof *samples, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (samples == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    for (int i = 0; i < 1000; i++) samples->values[i] = i / 10.0;
    samples->count = 1000;
    /* This comes last: a reader that sees it also sees everything above. */
    __atomic_store_n(&samples->ready, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &samples->ready, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    return 0;
}
