/* calls.c - calls that are over when they are read, as nearly all are: all that stand in a row, in
 * one go. It finds and says the same as records.c, for less.
 */
#include "records.h"
#include "nodes.h"

#include <string.h>

/* The node that a call was made with, where all that the history needs is known of it. */
static const struct raw_node *known_node(struct reader *r, uint32_t number, uint32_t id)
{
    const struct raw_node *raw = id == 0 ? NULL : raw_at(r, id);
    return raw != NULL && raw->hook == number + 1 ? raw : NULL;
}

#define AHEAD (4 * SLOT)

/* The node of a call that stands further on: of many nodes hardly one is in a cache. What stands there
 * may be no call, and no number of a node: nothing rests on it. */
static void fetch_node(const struct reader *r, const char *chunk, uint32_t at, uint32_t end)
{
    if (at + SLOT > end)
        return;
    uint64_t word = __atomic_load_n((const uint64_t *)(chunk + at), __ATOMIC_RELAXED);
    uint32_t index = raw_index((uint32_t)(word >> 32));
    if (index < r->node_room)
        __builtin_prefetch((const struct raw_node *)r->nodes + index);
}

static void make(struct host *h, const struct process *p, struct reader *r,
                 const union record *record, uint64_t word, const struct raw_node *raw,
                 struct history_call *call)
{
    bool wide = (word & 0xff) == RECORD_CALL3;
    *call = (struct history_call){.pid = r->pid, .tid = r->tid, .hook = raw->name, .sp = raw->slot};
    call->t = event_ns(h, r, record->event.time);
    if (record->event.time != 0)
        r->pace_ns = ring_pace(h, p->family, r);
    call->end = event_ns(h, r, wide ? record->call3.end : 0);
    call->node = (int32_t)number_of_function((uint32_t)(word >> 32));
    if (wide)
        memcpy(call->args, record->call3.arguments, sizeof call->args);
    else
        call->args[0] = record->call.argument;
    call->result = wide ? record->call3.result : record->call.result;
    call->memptr = wide ? record->call3.memptr : 0;
}

bool calls_take(struct host *h, struct process *p, struct reader *r, uint64_t limit)
{
    const char *chunk = (const char *)chunk_at(p->family, r->chunk);
    uint32_t begin = r->offset, end = ring_end(r);
    struct history_call calls[HISTORY_AT_ONCE];
    unsigned count = 0, at_once = 1;
    if (r->entered || r->open_count != 0 || (p->watch_stacks && r->tid == r->pid))
        return false;
    if (history_is_large(h->history, r->pid, r->tid))
        at_once = HISTORY_AT_ONCE;
    while (r->offset + SLOT <= end) {
        const union record *record = (const union record *)(chunk + r->offset);
        uint64_t word = __atomic_load_n(&record->word, __ATOMIC_ACQUIRE);
        unsigned kind = word & 0xff;
        uint32_t size = kind == RECORD_CALL ? RECORD_SIZE(call) : RECORD_SIZE(call3);
        if ((kind != RECORD_CALL && kind != RECORD_CALL3) || !(word & RECORD_DONE) ||
            record->event.time > limit || r->offset + size > CHUNK_SIZE ||
            (kind == RECORD_CALL3 && record->call3.end > limit))
            break;
        const struct raw_node *raw = known_node(r, word >> 8 & 0xffff, (uint32_t)(word >> 32));
        if (raw == NULL)
            break;
        if (at_once > 1)
            fetch_node(r, chunk, r->offset + AHEAD, end);
        must(count < at_once, "calls that are taken together are no more than there is room for");
        make(h, p, r, record, word, raw, &calls[count++]);
        r->offset += size;
        if (at_once == 1) {
            history_call(h->history, &calls[--count]);
        } else if (count == at_once) {
            history_calls(h->history, calls, count);
            count = 0;
        }
    }
    history_calls(h->history, calls, count);
    return r->offset != begin;
}
