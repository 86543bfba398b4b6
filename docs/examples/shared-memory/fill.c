#include <fcntl.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct shared { int32_t ready; int32_t count; double values[1000]; };

int main(void) {
    struct shared *s = mmap(0, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, shm_open("/samples", O_RDWR, 0), 0);
    for (int i = 0; i < 1000; i++) s->values[i] = i / 10.0;
    s->count = 1000;
    __atomic_store_n(&s->ready, 1, __ATOMIC_RELEASE);               /* last: what is above it is seen with it */
    syscall(SYS_futex, &s->ready, FUTEX_WAKE, 1 << 30, 0, 0, 0);    /* whoever waits looks again */
    return 0;
}
