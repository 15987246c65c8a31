/* history/quick.c - malloc and free that begin and end with nothing between: nearly all calls.
 *
 * What history_enter and history_leave find out step by step is known beforehand for a frame whose
 * last event was of the same kind: it lies in no other call, and belongs to the same group. The row
 * is written whole, and the block is found with one look. A test holds the result beside that of
 * the two.
 */
#include "inside.h"

#include <string.h>

enum { FEW_BLOCKS = 2000, FEW_FRAMES = 4000 }; /* they stay in the nearer caches */

/* The frame at `node`, where its events are of a known group; NULL: the long way. */
static struct frame_node *known_frame(const struct history *h, const struct thread *t, int32_t node,
                                      uint32_t hook)
{
    if (node <= 0 || (uint32_t)node >= t->id_count || !t->ids[node])
        return NULL;
    struct frame_node *frame = &t->frames[t->ids[node] - 1];
    return frame->known_stamp == h->stamp && frame->known_hook == hook ? frame : NULL;
}

/* A row of which only the pointer, the size and the block are to be filled in. */
static inline uint32_t new_row(struct history *h, uint64_t t_ns, uint64_t took, uint32_t tid,
                               uint32_t group)
{
    struct chunk *chunk = &h->chunk;
    if (unlikely(chunk->count == HISTORY_CHUNK))
        write_events(h);
    if (unlikely(!(h->events & (h->timeline.every - 1))))
        live_tick(h, t_ns);
    uint32_t row = chunk->count++;
    chunk->column[T_NS][row] = t_ns;
    chunk->column[TID][row] = tid;
    chunk->column[GROUP][row] = group;
    chunk->column[DUR_NS][row] = took;
    if (unlikely(chunk->used))
        clear_rare(chunk, row);
    h->events++;
    return row;
}

/* False: nested calls returned the same address, and nothing has been done. */
static inline int quick_malloc(struct history *h, struct thread *t, uint32_t number,
                               const struct history_call *call, uint64_t now, uint64_t took)
{
    struct process *p = &h->processes[t->process];
    if (unlikely(p->inner.count && table_get(&p->inner, call->result)))
        return 0;
    struct block block = {.address = call->result, .size = call->args[0], .seq = h->events};
    uint32_t row = new_row(h, now, took, t->tid, number);
    uint32_t before = row ? row - 1 : h->chunk.last;
    uint64_t **column = h->chunk.column;
    block.last = block.seq;
    block.number = ++h->block_number;
    column[PRESENT][row] = HAS_SIZE | HAS_DUR_NS | HAS_RESULT | HAS_BLOCK;
    column[SIZE][row] = block.size;
    column[PTR][row] = column[PTR][before];
    column[RESULT][row] = block.address;
    column[BLOCK][row] = block.number;
    live_new(h, t, number, &block, now);
    block_put_new(h, p, &block);
    h->groups[number - 1].bytes += block.size;
    members_size(&h->groups[number - 1].members, block.size);
    return 1;
}

/* False: it is not a block that is known, and nothing has been done. */
static inline int quick_free(struct history *h, struct thread *t, uint32_t number,
                             const struct history_call *call, uint64_t now, uint64_t took)
{
    struct process *p = &h->processes[t->process];
    struct block block = {.number = 0};
    if (call->args[0] && !block_take(p, call->args[0], &block))
        return 0;
    uint32_t row = new_row(h, now, took, t->tid, number);
    uint32_t before = row ? row - 1 : h->chunk.last;
    uint64_t **column = h->chunk.column;
    column[PRESENT][row] = HAS_PTR | HAS_DUR_NS | (block.number ? HAS_BLOCK : 0);
    column[SIZE][row] = column[SIZE][before];
    column[PTR][row] = call->args[0];
    column[RESULT][row] = column[RESULT][before];
    column[BLOCK][row] = block.number ? block.number : column[BLOCK][before];
    if (block.number) {
        members_block(h, number, &block);
        live_free(h, &block);
    } else {
        h->groups[number - 1].members.nulls++;
    }
    return 1;
}

static int quick_call(struct history *h, struct thread *t, const struct hook *hook,
                      const struct frame_node *frame, const struct history_call *call)
{
    uint64_t now = since_start(h, call->t), then = since_start(h, call->end);
    uint64_t took = then > now ? then - now : 0;
    uint32_t number = frame->known_group;
    int done = 0;
    if (hook->point == FREE)
        done = quick_free(h, t, number, call, now, took);
    else if (hook->point == MALLOC && hook->arguments[1] == ARGUMENT_NONE && call->result)
        done = quick_malloc(h, t, number, call, now, took);
    h->groups[number - 1].count += (uint64_t)done;
    return done;
}

void history_call(struct history *h, const struct history_call *call)
{
    const struct hook *hook = h->failed ? NULL : hook_of(h, call->hook);
    struct thread *t = hook ? thread_of(h, call->pid, call->tid) : NULL;
    if (likely(t && !t->open)) {
        const struct frame_node *frame = known_frame(h, t, call->node, call->hook);
        if (likely(frame && quick_call(h, t, hook, frame, call)))
            return;
    }
    history_enter(h, call->t, call->pid, call->tid, call->hook, call->sp, call->args, call->node);
    if (call->memptr)
        history_memptr(h, call->pid, call->tid, call->memptr);
    history_leave(h, call->end, call->pid, call->tid, call->hook, call->sp, call->result);
}

/* Which block the call will end or begin: its address. */
static inline uint64_t block_of(struct history *h, const struct history_call *call)
{
    const struct hook *hook = hook_of(h, call->hook);
    return hook && hook->point == FREE ? call->args[0] : call->result;
}

/* ---- many calls at a time ----
 *
 * Of many live blocks, or of many stacks, nearly each lies where no cache has it. So the memory that the
 * calls will look at is fetched for all of them at once, step by step: each step fetches what the one
 * before it leads to. Nothing is changed, and nothing rests on it.
 */

static int has_many_blocks(const struct history *h, const struct thread *t)
{
    return h->processes[t->process].live.count > FEW_BLOCKS;
}

static int has_many_frames(const struct thread *t)
{
    return t->frame_count > FEW_FRAMES;
}

/* The slots of the table, then the blocks. A block may lie in two lines of the caches: what is looked
 * at lies at its beginning and its end. */
static void fetch_blocks(struct history *h, const struct process *p,
                         const struct history_call *calls, unsigned count)
{
    const struct index_slot *slots[HISTORY_AT_ONCE];
    for (unsigned i = 0; i < count; i++) {
        slots[i] = index_home(&p->live, address_hash(block_of(h, &calls[i])));
        __builtin_prefetch(slots[i]);
    }
    for (unsigned i = 0; i < count; i++)
        if (slots[i]->number) {
            __builtin_prefetch(&p->blocks[slots[i]->number - 1]);
            __builtin_prefetch(&p->blocks[slots[i]->number - 1].group);
        }
}

/* What the numbers of frames lead to, then the frames, then what is written of their groups. */
static void fetch_frames(const struct history *h, const struct thread *t,
                         const struct history_call *calls, unsigned count)
{
    static const uint32_t no_id;
    static const struct frame_node no_frame;
    const uint32_t *ids[HISTORY_AT_ONCE];
    const struct frame_node *frames[HISTORY_AT_ONCE];
    __asm__ volatile(""); /* else gcc leaves out a call of what only reads */
    for (unsigned i = 0; i < count; i++) {
        uint32_t node = calls[i].node > 0 ? (uint32_t)calls[i].node : 0;
        ids[i] = node < t->id_count ? &t->ids[node] : &no_id;
        __builtin_prefetch(ids[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        frames[i] = *ids[i] ? &t->frames[*ids[i] - 1] : &no_frame;
        __builtin_prefetch(&frames[i]->known_group);
    }
    for (unsigned i = 0; i < count; i++)
        if (frames[i]->known_group) {
            const struct group *group = &h->groups[frames[i]->known_group - 1];
            __builtin_prefetch(&group->stamp);
            __builtin_prefetch(&group->count);
            __builtin_prefetch(&group->live);
            __builtin_prefetch(&group->members);
        }
}

static void fetch(struct history *h, const struct thread *t, const struct history_call *calls,
                  unsigned count)
{
    const struct process *p = &h->processes[t->process];
    count = count < HISTORY_AT_ONCE ? count : HISTORY_AT_ONCE;
    if (p->live.slots && has_many_blocks(h, t))
        fetch_blocks(h, p, calls, count);
    if (has_many_frames(t))
        fetch_frames(h, t, calls, count);
}

int history_is_large(struct history *h, uint32_t pid, uint32_t tid)
{
    const struct thread *t = h->failed ? NULL : thread_of(h, pid, tid);
    return t && (has_many_blocks(h, t) || has_many_frames(t));
}

void history_calls(struct history *h, const struct history_call *calls, unsigned count)
{
    const struct thread *t = h->failed || !count ? NULL : thread_of(h, calls->pid, calls->tid);
    if (t)
        fetch(h, t, calls, count);
    for (unsigned i = 0; i < count; i++)
        history_call(h, &calls[i]);
}
