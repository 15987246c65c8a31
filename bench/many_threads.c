/* many_threads.c - many_threads COUNT: so many threads at once, each with one malloc and one free. */
#include <pthread.h>
#include <stdlib.h>

static pthread_barrier_t all;

static void *thread(void *unused)
{
    void *volatile block = malloc(53);
    pthread_barrier_wait(&all);
    free(block);
    return unused;
}

int main(int count, char **words)
{
    long threads = count > 1 ? atol(words[1]) : 1;
    pthread_t *list = calloc((size_t)threads, sizeof *list);
    pthread_attr_t small;
    if (list == NULL || threads < 1)
        return 2;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    pthread_barrier_init(&all, NULL, (unsigned)threads);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&list[i], &small, thread, NULL) != 0)
            return 3; /* the others wait for ever, and end with it */
    for (long i = 0; i < threads; i++)
        pthread_join(list[i], NULL);
    return 0;
}
