/* exec_race.c - an exec in the middle of what other threads do.
 *
 * Idea:     exec ends the other threads wherever they are; how far they had come is chance.
 * Do:       make run-exec_race
 * Expect:   user malloc(1013) 1 malloc(1019) 1 ; leaked user 1 1019 ; threads 3 ; exit 0
 * Look for: strace, ltrace and gdb, who see each thread to another point: brkpoint witnesses.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int ready;

static void *busy(void *unused)
{
    for (int i = 0;; usleep(997), i++) {
        free(malloc(1009));
        if (i == 3)
            __sync_fetch_and_add(&ready, 1);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];

    if (argc > 1)
        return malloc(1019) ? 0 : 1;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, busy, NULL))
            return 2;
    while (ready < 2 || !malloc(1013))
        usleep(1000);
    execl("/proc/self/exe", argv[0], "again", (char *)NULL);
    return 3;
}
