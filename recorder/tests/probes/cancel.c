/* cancel.c - threads cancelled while they allocate, at a point of theirs or anywhere. Argument:
 * "anywhere". The allocator is one that may be left anywhere. */
#include "own_malloc.h"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static int anywhere;
static long cleaned;

static void cleanup(void *arg)
{
    __atomic_fetch_add(&cleaned, 1, __ATOMIC_RELAXED);
    (void)arg;
}

static void *work(void *arg)
{
    int before;
    pthread_cleanup_push(cleanup, NULL);
    malloc(1013);
    __atomic_fetch_add((long *)arg, 1, __ATOMIC_SEQ_CST);
    if (anywhere)
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
    for (;;) {
        free(malloc(1009));
        for (volatile int i = 0; i < 3000; i++)
            ;
        if (!anywhere)
            pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return arg;
}

int main(int argc, char **argv)
{
    int cancelled = 0;
    anywhere = argc > 1;
    for (int i = 0; i < 31; i++) {
        pthread_t thread;
        void *result;
        long running = 0;
        if (pthread_create(&thread, NULL, work, &running))
            return 1;
        while (!__atomic_load_n(&running, __ATOMIC_SEQ_CST))
            usleep(100);
        usleep(300);
        pthread_cancel(thread);
        pthread_join(thread, &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    printf("cancelled %d cleaned %ld\n", cancelled, cleaned);
    (void)argv;
    return 0;
}
