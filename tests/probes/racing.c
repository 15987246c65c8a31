/* racing.c - four threads that map and unmap at once, so that strace's lines are cut in two.
 *
 * With an argument one of them executes that program, which ends the others. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_barrier_t start;
static char *const *next;

static void *work(void *number)
{
    pthread_barrier_wait(&start);
    for (int turn = 0; turn < 7; turn++) {
        void *p = mmap(NULL, 4096 * 1009, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        munmap(p, 4096 * 1009);
    }
    free(malloc(1009));
    if (next && number == &next)
        execv(next[0], next);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[4];
    next = argc > 1 ? argv + 1 : NULL;
    pthread_barrier_init(&start, NULL, 4);
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, work, i == 2 ? &next : NULL))
            return 1;
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
