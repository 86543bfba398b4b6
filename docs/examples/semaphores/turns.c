#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>

int main(void) {
    sem_t *mine = sem_open("/turn-c", 0), *theirs = sem_open("/turn-ps", 0);
    for (int i = 1; i <= 3; i++) {
        sem_wait(mine);
        printf("C %d\n", i);
        fflush(stdout);
        sem_post(theirs);
    }
    return 0;
}
