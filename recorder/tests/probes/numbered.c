/* numbered.c FILE THREADS [child]: each thread asks for memory, its n-th call for 32 + n bytes, until the
 * file's last word is set. How far thread t has come stands in the t-th word, once the call is over.
 * With `child` another process does the same, in the words behind.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ENDS 5

#define WORDS 512
#define REST 1009 /* so many calls between two rests of a millisecond */

static volatile uint64_t *come;

static void *work(void *place)
{
    volatile uint64_t *mine = place;
    for (uint64_t n = 1; !come[WORDS - 1]; n++) {
        free(malloc(32 + n));
        *mine = n;
        if (n % REST == 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return NULL;
}

static void all(unsigned threads, unsigned first)
{
    pthread_t list[16];
    for (unsigned t = 1; t < threads; t++)
        pthread_create(&list[t], NULL, work, (void *)&come[first + t]);
    work((void *)&come[first]);
    for (unsigned t = 1; t < threads; t++)
        pthread_join(list[t], NULL);
}

int main(int argc, char **argv)
{
    unsigned threads = (unsigned)atoi(argv[2]) % 16;
    int file = open(argv[1], O_RDWR);
    come = mmap(NULL, 8 * WORDS, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (argc > 3 && fork() == 0) {
        all(threads, threads);
        _exit(0);
    }
    all(threads, 0);
    wait(NULL);
    return ENDS;
}
