/* records.c - what a record of the ring means: calls, system calls and stacks, for the history. */
#include "records.h"
#include "process/mapped.h"
#include "plant/overwritten.h"
#include "nodes.h"
#include "phases/phases.h"
#include "plant/hooks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Between two time stamps the events are spread evenly (ring_pace). */
uint64_t event_ns(struct host *h, struct reader *r, uint64_t tsc)
{
    uint64_t ns = tsc ? clock_ns(&h->clock, tsc) : r->last_time + r->pace_ns;
    if (ns < h->last_ns)
        ns = h->last_ns;
    return h->last_ns = r->last_time = ns;
}

/* ---- stacks ---- */

/* The agent tells a walk from its outermost frame, which has the highest number, inwards, and numbers
 * the next walk behind it. A number of an earlier walk: its memory was full, and it began anew. */
static void note_walk(struct host *h, struct reader *r, uint32_t id)
{
    if (id > r->walk_last) {
        r->walks_end = r->walk_first;
        r->walk_first = id;
    }
    r->walk_last = id;
    if (id > r->walks_end)
        return;
    r->walks_end = 0;
    r->walk_first = id;
    history_nodes_anew(h->history, r->pid, r->tid);
}

/* Room for that node, and as many again: most threads have few. */
static bool make_room(struct reader *r, uint32_t id)
{
    uint32_t room = r->node_room, wanted = raw_index(id) + 1;
    if (wanted <= room)
        return true;
    uint32_t most = wanted <= FIRST_RAW ? FIRST_RAW : RAW_NODES;
    wanted = 2 * wanted < most ? 2 * wanted : most;
    struct raw_node *nodes = realloc(r->nodes, wanted * sizeof *nodes);
    if (nodes == NULL)
        return false;
    memset(nodes + room, 0, (wanted - room) * sizeof *nodes);
    r->nodes = nodes;
    r->node_room = wanted;
    return true;
}

static void take_node(struct host *h, struct reader *r, uint64_t word, const union record *record)
{
    uint32_t id = (uint32_t)(word >> 32);
    h->told++;
    struct raw_node *raw = make_room(r, id) ? raw_at(r, id) : NULL;
    if (is_remembered(id))
        note_walk(h, r, id);
    if (raw != NULL)
        *raw = (struct raw_node){.pc = record->node.pc,
                                 .slot = record->node.slot,
                                 .parent = (uint32_t)record->node.parent};
}

/* The chain from `id` outwards, up to MAX_FRAMES; *end: what lies outside of the last. */
static unsigned chain_of(struct reader *r, uint32_t id, uint32_t *ids, uint32_t *end)
{
    unsigned count = 0;
    while (count < MAX_FRAMES && id != 0 && !(id & NODE_CUT)) {
        ids[count++] = id;
        id = raw_at(r, id)->parent;
    }
    *end = id;
    return count;
}

uint32_t node_of(struct host *h, struct reader *r, uint32_t id)
{
    uint32_t ids[MAX_FRAMES], known;
    unsigned count = chain_of(r, id, ids, &known);
    if (known != 0 && !(known & NODE_CUT))
        known = NODE_CUT | CUT_DEEP;
    while (count > 0) {
        struct raw_node *raw = raw_at(r, ids[--count]);
        if (raw->known == 0)
            raw->known = stacks_node(&h->stacks, raw->pc, raw->slot, known);
        known = raw->known;
    }
    return known;
}

static int32_t as_parent(uint32_t id)
{
    if (id & NODE_CUT)
        return -(int32_t)(id & 0xff);
    return raw_index(id) ? (int32_t)number_of_node(id) : 0;
}

static uint64_t slot_of(struct reader *r, uint32_t id)
{
    return id == 0 || (id & NODE_CUT) ? 0 : raw_at(r, id)->slot;
}

/* Those of the chain that the history does not know, the last of which `id` is. */
static void tell_soon(struct host *h, struct reader *r, const uint32_t *ids, unsigned count)
{
    uint64_t pcs[MAX_FRAMES];
    unsigned told = 0, new = 0;
    while (told < count && !raw_at(r, ids[told])->told)
        told++;
    for (unsigned i = told; i > 0; i--)
        pcs[new ++] = raw_at(r, ids[i - 1])->pc;
    int32_t parent = told < count ? (int32_t)number_of_node(ids[told]) : 0;
    if (new > 0)
        history_nodes_soon(h->history, r->pid, r->tid, parent, pcs, new);
}

static void tell(struct host *h, struct reader *r, uint32_t id)
{
    uint32_t ids[MAX_FRAMES], outer;
    unsigned count = chain_of(r, id, ids, &outer);
    tell_soon(h, r, ids, count);
    while (count > 0) {
        uint32_t at = ids[--count];
        struct raw_node *raw = raw_at(r, at);
        if (raw->told)
            continue;
        raw->told = true;
        h->cut += (raw->parent & NODE_CUT) && raw->parent != (NODE_CUT | CUT_DEEP);
        history_node(h->history, r->pid, r->tid, number_of_node(at), as_parent(raw->parent),
                     raw->pc, slot_of(r, raw->parent));
    }
}

/* The history's node of the function at `pc`, called through `id`. */
static int32_t stack_of(struct host *h, struct reader *r, uint32_t id, uint64_t pc)
{
    if (id == 0 || (id & NODE_CUT)) {
        uint32_t lost = number_of_lost(id);
        history_node(h->history, r->pid, r->tid, lost, as_parent(id), pc, 0);
        return (int32_t)lost;
    }
    struct raw_node *raw = raw_at(r, id);
    uint32_t number = number_of_function(id);
    if (!raw->told)
        tell(h, r, id);
    if (raw->function != pc) {
        history_node(h->history, r->pid, r->tid, number, as_parent(id), pc, raw->slot);
        raw->hook = 0;
    }
    raw->function = pc;
    return (int32_t)number;
}

/* ---- calls ---- */

static void opened(struct reader *r, uint64_t sp)
{
    if (r->open_count == 64) {
        memmove(r->open, r->open + 1, 63 * sizeof *r->open);
        r->open_count = 63;
    }
    must(r->open_count < 64, "open calls are no more than there is room for");
    r->open[r->open_count++] = sp;
}

static bool closed(struct reader *r, uint64_t sp)
{
    for (unsigned i = r->open_count; i-- > 0;)
        if (r->open[i] == sp) {
            while (i > 0 && r->open[i - 1] == sp)
                i--; /* a tail jump: both are over */
            r->open_count = i;
            return true;
        }
    return false;
}

static bool is_hook(const struct family *f, uint64_t word)
{
    uint32_t number = word >> 8 & 0xffff;
    if (number >= f->hook_count)
        return false;
    return f->hooks[number].names != 0 || f->hooks[number].region != REGION_NONE;
}

static void enter(struct host *h, struct process *p, struct reader *r, uint64_t word,
                  const union record *record)
{
    uint32_t number = word >> 8 & 0xffff, id = (uint32_t)(word >> 32);
    const struct hook *hook = &p->family->hooks[number];
    struct raw_node *raw = raw_at(r, id);
    uint64_t arguments[3] = {record->call.argument}, t_ns = event_ns(h, r, r->begun);
    if ((word & 0xff) == RECORD_CALL3)
        memcpy(arguments, record->call3.arguments, sizeof arguments);
    int32_t stack = stack_of(h, r, id, hook->address);
    r->sp = raw ? raw->slot : 0;
    opened(r, r->sp);
    if (p->watch_stacks && r->tid == r->pid)
        phase_by_stack(h, p, node_of(h, r, id), t_ns);
    uint32_t name = hook->names > 1 ? hook_id_at(p, number, raw ? raw->pc : 0) : hook->spool_id[0];
    if (raw != NULL && id != 0) {
        raw->hook = number + 1;
        raw->name = name;
    }
    history_enter(h->history, t_ns, r->pid, r->tid, name, r->sp, arguments, stack);
}

/* The reader's thread has called a mark of a region (plant/calls.c). */
static void region_marked(struct host *h, struct reader *r, const struct hook *hook, uint64_t t_ns,
                          uint64_t name)
{
    r->sp = 0; /* nothing is open there: its return means nothing */
    if (hook->region == REGION_BEGIN)
        history_region_begin(h->history, t_ns, r->pid, r->tid, name);
    else
        history_region_end(h->history, r->pid, r->tid);
}

static void begin_call(struct host *h, struct process *p, struct reader *r, uint64_t word,
                       const union record *record)
{
    const struct hook *hook = &p->family->hooks[word >> 8 & 0xffff];
    if (hook->region != REGION_NONE)
        region_marked(h, r, hook, event_ns(h, r, r->begun), record->call.argument);
    else
        enter(h, p, r, word, record);
    r->pace_ns = ring_pace(h, p->family, r);
}

static void leave(struct host *h, struct reader *r, uint64_t sp, uint64_t time, uint64_t result,
                  uint64_t memptr)
{
    if (!closed(r, sp))
        return;
    if (memptr != 0)
        history_memptr(h->history, r->pid, r->tid, memptr);
    history_leave(h->history, event_ns(h, r, time), r->pid, r->tid, 0, sp, result);
}

static void leave_in_place(struct host *h, const struct process *p, struct reader *r, uint64_t word,
                           const union record *record)
{
    uint64_t time = ring_end_time(p->family, r, word);
    if ((word & 0xff) == RECORD_CALL3)
        leave(h, r, r->sp, time, record->call3.result, record->call3.memptr);
    else
        leave(h, r, r->sp, time, record->call.result, 0);
}

static void take_path(struct reader *r, uint64_t word, const union record *record)
{
    size_t length = word >> 32;
    free(r->path);
    r->path = length <= sizeof record->path.path ? strndup(record->path.path, length) : NULL;
}

static void system_call(struct host *h, struct process *p, struct reader *r, uint64_t word,
                        const union record *record)
{
    uint32_t number = word >> 8 & 0xffff, id = (uint32_t)(word >> 32);
    bool file = number == SYS_mmap && !(record->syscall.arguments[3] & MAP_ANONYMOUS) &&
                (int32_t)record->syscall.arguments[4] >= 0;
    const char *path = file && r->path ? r->path : "";
    uint64_t t_ns = event_ns(h, r, record->syscall.time);
    int32_t stack = stack_of(h, r, id, record->syscall.pc);
    if (number == SYS_mprotect && record->syscall.arguments[2] & PROT_WRITE)
        overwritten_soon(h, p, record->syscall.arguments[0], record->syscall.arguments[1]);
    if (p->watch_stacks && r->tid == r->pid)
        phase_by_stack(h, p, node_of(h, r, id), t_ns);
    history_sysenter(h->history, t_ns, r->pid, r->tid, number, record->syscall.sp,
                     record->syscall.arguments, stack, path, strlen(path));
    history_sysleave(h->history, event_ns(h, r, record->syscall.end), r->pid, r->tid, number,
                     (int64_t)record->syscall.result);
    mapped_call(p, &(struct mapped_call){number, record->syscall.arguments,
                                         (int64_t)record->syscall.result, record->syscall.time,
                                         record->syscall.end});
}

bool record_take(struct host *h, struct process *p, struct reader *r, uint64_t word, uint64_t limit)
{
    const union record *record = ring_record(p->family, r);
    uint32_t size = ring_size_of(word);
    if (size == 0 || r->offset + size > CHUNK_SIZE) {
        ring_spoiled(h, r, "the ring is damaged: a record of an unknown kind");
        return false;
    }
    switch (word & 0xff) {
    case RECORD_CALL:
    case RECORD_CALL3:
        if (!is_hook(p->family, word)) {
            ring_spoiled(h, r, "the ring is damaged: a call of a hook that does not exist");
            return false;
        }
        if (!r->entered)
            begin_call(h, p, r, word, record);
        r->entered = true;
        word = ring_call_ends(p->family, r, size);
        if (ring_end_time(p->family, r, word) > limit)
            return true; /* others come first */
        if (word & RECORD_DONE)
            leave_in_place(h, p, r, word, record);
        else if (word == 0)
            return false;
        r->entered = false;
        break;
    case RECORD_LEAVE:
        leave(h, r, record->leave.sp, record->leave.time, record->leave.result,
              record->leave.memptr);
        break;
    case RECORD_NODE:
        take_node(h, r, word, record);
        break;
    case RECORD_PATH:
        take_path(r, word, record);
        break;
    case RECORD_SYSCALL:
        system_call(h, p, r, word, record);
        break;
    }
    r->offset += size;
    return true;
}
