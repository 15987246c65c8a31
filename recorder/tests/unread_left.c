/* unread_left.c - what is counted as left in a memory file (host/drain/unread.c). Prints it in the middle of a
 * turn, each time that some calls have been taken, as if the host was killed there; then of a ring that
 * leads round in a circle.
 */
#define _GNU_SOURCE
#include "ring_host.h"
#include "host/drain/drain.h"
#include "host/drain/unread.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNKS 3u
#define RECORDS                                                                                    \
    ((CHUNK_SIZE - CHUNK_HEAD) / SLOT) /* in each: all are calls but every tenth, a mark */
enum { A_CALL, A_MARK };

/* ---- what the rest of the host would do ---- */

/* Asked of each call, as it is taken. */
uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret)
{
    static unsigned taken;
    (void)ret;
    if (taken++ % 97 == 0)
        unread_tell(host.area_fd);
    return p->family->hooks[number].spool_id[0];
}

static void fill_chunk(uint32_t number)
{
    struct chunk *c = chunk_at(&family, number);
    c->owner = 1;
    c->next = number < CHUNKS ? number + 1 : 0;
    c->end = CHUNK_SIZE;
    for (unsigned i = 0; i < RECORDS; i++) {
        union record *record = (union record *)(c->records + i * SLOT);
        uint64_t mark = i % 10 ? A_CALL : A_MARK;
        record->call.argument = 1009;
        record->call.result = 0x5000;
        record->word = RECORD_CALL | RECORD_DONE | mark << 8 | (uint64_t)NODE_CUT << 32;
    }
}

/* One thread, which has filled its chunks and goes on. */
static void begin(void)
{
    host.area_fd = memfd_create("unread", MFD_CLOEXEC);
    assert(ftruncate(host.area_fd, (off_t)MEMORY_SIZE) == 0);
    struct area_head *area =
        mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, host.area_fd, 0);
    host.ledger = unread_ledger(host.area_fd);
    assert(area != MAP_FAILED && host.ledger != NULL);
    area->magic = AREA_MAGIC;
    area->hook_kind[A_CALL] = HOOK_CALL1;
    area->hook_kind[A_MARK] = HOOK_CALL1 | HOOK_FREES | HOOK_MARKS;
    struct thread_state *t = begin_in(area);
    family.hooks[A_CALL] = (struct hook){.address = 0x1000, .names = 2, .spool_id = {1, 1}};
    family.hooks[A_MARK] = (struct hook){.address = 0x2000, .region = REGION_END};
    family.hook_count = 2;
    t->cur = (uint64_t)CHUNKS << 32 | CHUNK_SIZE;
    for (uint32_t number = 1; number <= CHUNKS; number++)
        fill_chunk(number);
}

int main(void)
{
    begin();
    drain(&host, &process, DRAIN_ALL - 1);
    unread_tell(host.area_fd);
    puts("a circle");
    for (uint32_t number = 1; number <= CHUNKS; number++)
        fill_chunk(number);
    chunk_at(&family, CHUNKS)->next = 1;
    thread_state(&family, 0)->read_to = 0;
    host.ledger->taken = 0;
    unread_tell(host.area_fd);
    return 0;
}
