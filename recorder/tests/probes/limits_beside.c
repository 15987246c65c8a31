/* limits_beside.c - a program limits its own address space, while a child of its, whose first thread has ended,
 * goes on in another one: that walks WAYS ways to a malloc, and some of them in part once more, before and
 * afterwards.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "many_ways.h"

enum { WAYS = 5003, LIKE = 350, SIZE = 1009 };
static int walked[2], limited[2];

static void leaf(long way)
{
    (void)way;
    free(malloc(SIZE));
}

/* From one place, so that all stacks begin alike. */
static const struct {
    long from, to, apart; /* apart: the last call is another one */
} PARTS[] = {{0, WAYS, 0}, {LIKE, LIKE + 13, 1}, {WAYS, WAYS + 2, 0}, {LIKE, LIKE + 13, 1}};

static void *goes_on(void *nothing)
{
    char byte = 0;
    usleep(100000); /* the first thread ends */
    for (int part = 0; part < 4; part++) {
        if (part == 2 && (write(walked[1], &byte, 1) != 1 || read(limited[0], &byte, 1) != 1))
            _exit(3);
        for (long way = PARTS[part].from; way < PARTS[part].to; way++)
            step((way * APART % ALL_WAYS) ^ PARTS[part].apart, LEVELS);
    }
    _exit(0);
    return nothing;
}

int main(void)
{
    const struct rlimit limit = {150 << 20, 150 << 20};
    pthread_t thread;
    char byte = 0;
    int status;
    if (pipe(walked) || pipe(limited))
        return 2;
    pid_t child = fork();
    if (child == 0) {
        if (pthread_create(&thread, NULL, goes_on, NULL))
            _exit(2);
        pthread_exit(NULL);
    }
    close(walked[1]);
    if (read(walked[0], &byte, 1) != 1 || setrlimit(RLIMIT_AS, &limit) ||
        write(limited[1], &byte, 1) != 1)
        return 2;
    return waitpid(child, &status, 0) != child || status != 0;
}
