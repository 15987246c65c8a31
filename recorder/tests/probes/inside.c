/* inside.c FILE: has an allocator of its own, in which a thread waits while `go` is 1. */
#include "attached.h"

#include <pthread.h>

#define WAITS 4099

static char room[1 << 24];
static size_t used;

void *malloc(size_t size)
{
    size_t at = __atomic_fetch_add(&used, (size + 15) & ~(size_t)15, __ATOMIC_RELAXED);
    if (size == WAITS) {
        page->signals = 1;
        while (page->go == 1)
            usleep(1000);
    }
    return at + size <= sizeof room ? room + at : NULL;
}

void free(void *block)
{
    (void)block;
}

/* Registers that a call keeps hold what they held. */
static void *wait_inside(void *unused)
{
    uint64_t a = now_ns(), b = a * 31, c = b ^ a;
    while (page->go == 0)
        usleep(1000);
    char *block = malloc(WAITS);
    if (block < room || block + WAITS > room + sizeof room || b != a * 31 || c != (b ^ a))
        count(&page->wrong);
    page->done = 1;
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argc;
    page_open(argv[1]);
    pthread_create(&thread, NULL, wait_inside, NULL);
    page->pid = (uint64_t)getpid();
    while (!page->end) {
        if (page->go != 1)
            free(malloc(17));
        count(&page->rounds);
        usleep(1000);
    }
    pthread_join(thread, NULL);
    return page->wrong ? 3 : 7;
}
