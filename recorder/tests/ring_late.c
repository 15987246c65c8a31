/* ring_late.c - a call that ends between two looks of the host at its record: at the second look its
 * time stamp is there, beyond the limit of the turn. Prints how much of the call has been taken.
 */
#include "ring_host.h"

#include <stdio.h>
#include <sys/mman.h>

static union record *record;

/* ---- what the rest of the host would do ---- */

/* Between the look that chose the thread and the next one (--wrap=calls_take): its call returns. */
bool __wrap_calls_take(struct host *h, struct process *p, struct reader *r, uint64_t limit);
bool __real_calls_take(struct host *h, struct process *p, struct reader *r, uint64_t limit);
bool __wrap_calls_take(struct host *h, struct process *p, struct reader *r, uint64_t limit)
{
    if (!(record->word & RECORD_DONE)) {
        record->call.result = 0x5000;
        record->call.time = 2000;
        record->word |= RECORD_DONE;
    }
    return __real_calls_take(h, p, r, limit);
}

uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret)
{
    return p->family->hooks[number].spool_id[ret % 1];
}

/* One thread, in a malloc that has not returned. */
static void begin(void)
{
    struct area_head *area = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(area != MAP_FAILED);
    area->clock = CLOCK_ORDER;
    struct thread_state *t = begin_in(area);
    t->cur = UINT64_C(1) << 32 | (CHUNK_HEAD + 32);
    chunk_at(&family, 1)->owner = 1;
    record = (union record *)chunk_at(&family, 1)->records;
    record->call.argument = 1009;
    record->word = RECORD_CALL | (uint64_t)NODE_CUT << 32;
}

int main(void)
{
    begin();
    const struct reader *r = &family.readers[0];
    for (uint64_t limit = 1000; limit <= 3000; limit += 2000) {
        drain(&host, &process, limit);
        printf("to %lu: %s%s\n", limit, r->entered ? "entered" : "",
               r->offset > CHUNK_HEAD ? "over" : "");
    }
    return 0;
}
