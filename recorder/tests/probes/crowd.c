/* crowd.c - a thousand threads one after another, two hundred at once. Arguments: how many one
 * after another, how many at once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_barrier_t all;

static void *brief(void *arg)
{
    for (int i = 0; i < 3; i++)
        free(malloc(1009));
    return arg;
}

static void *together(void *arg)
{
    void *volatile p = malloc(1013);
    pthread_barrier_wait(&all);
    for (int i = 0; i < 7; i++)
        free(malloc(1019));
    pthread_barrier_wait(&all);
    free(p);
    return arg;
}

int main(int argc, char **argv)
{
    static pthread_t threads[20000];
    int one_by_one = argc > 2 ? atoi(argv[1]) : 1000, at_once = argc > 2 ? atoi(argv[2]) : 200;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (int i = 0; i < one_by_one; i++) {
        if (pthread_create(&threads[0], &small, brief, NULL))
            return 1;
        pthread_join(threads[0], NULL);
    }
    pthread_barrier_init(&all, NULL, (unsigned)at_once);
    for (int i = 0; i < at_once; i++)
        if (pthread_create(&threads[i], &small, together, NULL))
            return 2;
    for (int i = 0; i < at_once; i++)
        pthread_join(threads[i], NULL);
    puts("all came back");
    return 0;
}
