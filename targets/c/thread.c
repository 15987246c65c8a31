/* thread.c - what a second thread costs.
 *
 * Idea:     a stack from its creator, and an arena of its own at its first malloc.
 * Do:       make run-thread
 * Expect:   user malloc(1009) 1 free 1 ; user by malloc mmap(134217728) 1 ;
 *           phase main user mmap 2 ; threads 2 ; leaked user 1 ; exit 0
 * Look for: 8 MiB of stack, 128 MiB reserved to find 64 MiB that are aligned, 132 KiB made usable.
 */
#include <pthread.h>
#include <stdlib.h>

static void *work(void *unused)
{
    void *block = malloc(1009);
    (void)unused;
    free(block);
    return block;
}

int main(void)
{
    pthread_t thread;
    void *answer;

    if (pthread_create(&thread, NULL, work, NULL))
        return 1;
    if (pthread_join(thread, &answer))
        return 2;
    return answer ? 0 : 3;
}
