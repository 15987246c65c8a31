/* ring_links.c - chunks that do not name the one that follows them, as where a signal handler left the
 * agent by siglongjmp in the middle of ring_next_chunk(). Argument: what is missing, of "first", "next",
 * "end" (with "next"), "before" (with both: there is no way back); nothing of "". Prints what is counted
 * as taken and left, before all that is there is read and then.
 */
#define _GNU_SOURCE
#include "ring_host.h"
#include "host/drain/unread.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNKS 5u
#define RECORDS 20u /* in each, far from its end */

uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret)
{
    (void)ret;
    return p->family->hooks[number].spool_id[0];
}

static uint64_t place(uint32_t number)
{
    return (uint64_t)number << 32 | (CHUNK_HEAD + RECORDS * SLOT);
}

static void fill_chunk(uint32_t number, const char *missing)
{
    struct chunk *c = chunk_at(&family, number);
    bool is_broken = (number == 2 || number == 4) && *missing != 0 && strchr("neb", *missing);
    bool has_next = number < CHUNKS && !is_broken;
    c->owner = 1;
    c->next = has_next ? number + 1 : 0;
    c->end = has_next || (*missing == 'n' && number < CHUNKS) ? CHUNK_HEAD + RECORDS * SLOT : 0;
    c->before = number > 1 && *missing != 'b' ? place(number - 1) : 0;
    for (unsigned i = 0; i < RECORDS; i++) {
        union record *record = (union record *)(c->records + i * SLOT);
        record->call.argument = 1009;
        record->call.result = 0x5000;
        record->word = RECORD_CALL | RECORD_DONE | (uint64_t)NODE_CUT << 32;
    }
}

static void begin(const char *missing)
{
    host.area_fd = memfd_create("links", MFD_CLOEXEC);
    assert(ftruncate(host.area_fd, (off_t)MEMORY_SIZE) == 0);
    struct area_head *area =
        mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, host.area_fd, 0);
    host.ledger = unread_ledger(host.area_fd);
    assert(area != MAP_FAILED && host.ledger != NULL);
    area->magic = AREA_MAGIC;
    area->hook_kind[0] = HOOK_CALL1;
    struct thread_state *t = begin_in(area);
    t->first_chunk = *missing != 'f';
    t->cur = place(CHUNKS);
    for (uint32_t number = 1; number <= CHUNKS; number++)
        fill_chunk(number, missing);
}

int main(int argc, char **argv)
{
    begin(argc > 1 ? argv[1] : "");
    unread_tell(host.area_fd);
    drain(&host, &process, DRAIN_ALL - 1);
    unread_tell(host.area_fd);
    return 0;
}
