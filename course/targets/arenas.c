#include <pthread.h>
#include <stdlib.h>

#ifndef THREADS
#define THREADS 4
#endif

static pthread_barrier_t all;

static void *work(void *unused)
{
    char *block = malloc(1000);

    pthread_barrier_wait(&all); /* all of them are there at once */
    free(block);
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];

    pthread_barrier_init(&all, NULL, THREADS);
    for (int at = 0; at < THREADS; at++)
        pthread_create(&threads[at], NULL, work, NULL);
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    return 0;
}
