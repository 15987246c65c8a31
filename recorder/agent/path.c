/* path.c - which file a mapping maps: the agent looks itself, while the descriptor is surely open.
 *
 * The host could, but the thread would wait for it; a program that maps its files one by one, as git
 * does, would do little else.
 */
#include "event.h"

#define SYS_readlink 89
#define RECORD_ROOM ((long)RECORD_SIZE(path.path))

/* "/proc/thread-self/fd/N": the descriptors are the thread's, which may have its own. */
static void write_link(char *to, uint32_t fd)
{
    static const char before[] = "/proc/thread-self/fd/";
    char digits[10];
    unsigned count = 0;
    for (const char *from = before; *from; from++)
        *to++ = *from;
    do
        digits[count++] = (char)('0' + fd % 10);
    while ((fd /= 10) != 0);
    while (count > 0)
        *to++ = digits[--count];
    *to = 0;
}

int path_told(struct thread_state *t, uint32_t fd)
{
    char link[32];
    uint64_t after;
    if (!area()->may_sleep) /* a filter may forbid this call as well */
        return 0;
    union record *record = ring_reserve(t, RECORD_SIZE(path), &after);
    if (record == 0)
        return 0;
    write_link(link, fd);
    long length = raw_syscall3(SYS_readlink, (long)link, (long)record->path.path, RECORD_ROOM);
    int is_whole = length > 0 && length < RECORD_ROOM;
    __atomic_store_n(&record->word, RECORD_PATH | (uint64_t)(is_whole ? length : 0) << 32,
                     __ATOMIC_RELEASE);
    return is_whole;
}
