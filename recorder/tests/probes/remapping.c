/* remapping.c - threads and children that map, move, shrink and unmap memory all the time: all of it is
 * seen, whatever the order in which it is told. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, THREADS = 4, TIMES = 400 };

static void *map(size_t pages)
{
    return mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    char *kept[8] = {0};
    for (int i = 0; i < TIMES; i++) {
        int at = rand_r(&seed) % 8;
        if (kept[at] == 0)
            kept[at] = map(8);
        else if (rand_r(&seed) % 3 == 0)
            kept[at] = mremap(kept[at], 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, map(8));
        else if (rand_r(&seed) % 2) {
            munmap(kept[at], 3 * PAGE);
            munmap(kept[at] + 3 * PAGE, 5 * PAGE);
            kept[at] = 0;
        } else
            kept[at] =
                mremap(mremap(kept[at], 8 * PAGE, 3 * PAGE, 0), 3 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
    }
    return arg;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], 0, work, (void *)(i + 1));
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            work((void *)(size_t)(100 + i));
            exit(0);
        }
        waitpid(child, 0, 0);
    }
    sbrk(1 << 20);
    sbrk(-(1 << 19));
    for (size_t i = 0; i < THREADS - 1; i++) /* one may still run when the program ends */
        pthread_join(threads[i], 0);
    return 0;
}
