/*
 * Takes turns with a PowerShell script: waits for one semaphore, prints a line, posts the other semaphore.
 *
 *     gcc -o turns turns.c
 */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>

int main(void)
{
    sem_t *mine = sem_open("/turn-c", 0);
    sem_t *theirs = sem_open("/turn-ps", 0);
    if (mine == SEM_FAILED || theirs == SEM_FAILED) {
        perror("sem_open");
        return 1;
    }
    for (int i = 1; i <= 3; i++) {
        sem_wait(mine);
        printf("C %d\n", i);
        fflush(stdout);
        sem_post(theirs);
    }
    return 0;
}
