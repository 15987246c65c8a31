/* bouncing.c - threads that allocate and free in one arena: an address that one gives back is at once
 * another's. Arguments: threads, rounds of each. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static long rounds;

static void *work(void *nothing)
{
    for (long i = 0; i < rounds; i++)
        free(malloc(1009));
    return nothing;
}

int main(int argc, char **argv)
{
    pthread_t threads[16];
    int count = argc > 2 ? atoi(argv[1]) : 0;
    rounds = argc > 2 ? atol(argv[2]) : 0;
    mallopt(M_ARENA_MAX, 1);
    for (int i = 0; i < count && i < 16; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 77;
    for (int i = 0; i < count && i < 16; i++)
        pthread_join(threads[i], NULL);
    return puts("all came back") < 0;
}
