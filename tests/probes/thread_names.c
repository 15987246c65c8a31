/* thread_names.c - threads that are called `worker` allocate 4111 bytes, `other` 4222, those without a name
 * of their own 4333; some end by themselves, some with the program. Arguments choose the acts. */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_barrier_t begun;
static void *volatile kept;

static void take(size_t size)
{
    kept = malloc(size);
    free(kept);
}

static void *worker(void *waits)
{
    take(4111); /* before it has its name */
    pthread_setname_np(pthread_self(), "worker");
    take(4111);
    if (waits) {
        pthread_barrier_wait(&begun);
        pause();
    }
    return NULL;
}

static void wait_for(pid_t child)
{
    waitpid(child, NULL, 0);
    take(4111);
}

/* Its name comes last: before, execs end no thread, for a child's are none of its own and two fail. */
static void *late(void *unused)
{
    char *const words[] = {"true", NULL};
    pid_t child;
    (void)unused;
    if (posix_spawn(&child, "/bin/true", NULL, NULL, words, words + 1) == 0)
        wait_for(child);
    if ((child = vfork()) == 0) {
        execv("/nonexistent", words);
        _exit(1);
    }
    wait_for(child);
    execv("/nonexistent", words);
    take(4111);
    execv("/", words);
    take(4111);
    pthread_setname_np(pthread_self(), "worker");
    return NULL;
}

static void *other(void *unused)
{
    (void)unused;
    prctl(PR_SET_NAME, "other and much too long");
    take(4222);
    return NULL;
}

static void *plain(void *unused)
{
    (void)unused;
    take(4333);
    return NULL;
}

static void run(void *(*routine)(void *), void *argument, int joins)
{
    pthread_t thread;
    pthread_create(&thread, NULL, routine, argument);
    if (joins)
        pthread_join(thread, NULL);
}

int main(int count, char **words)
{
    pthread_barrier_init(&begun, NULL, 2);
    for (int at = 1; at < count; at++) {
        if (strcmp(words[at], "worker") == 0)
            run(worker, NULL, 1);
        if (strcmp(words[at], "waiting") == 0) {
            run(worker, &begun, 0);
            pthread_barrier_wait(&begun);
        }
        if (strcmp(words[at], "other") == 0)
            run(other, NULL, 1);
        if (strcmp(words[at], "late") == 0)
            run(late, NULL, 1);
        if (strcmp(words[at], "plain") == 0)
            run(plain, NULL, 1);
        if (strcmp(words[at], "killed") == 0)
            abort();
        if (strcmp(words[at], "exec") == 0)
            execl(words[0], words[0], "other", (char *)NULL);
    }
    return 0;
}
