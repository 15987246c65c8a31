/* history/inside.h - what the files of the history do for each other. Callers include history.h. */
#ifndef BRKPOINT_HISTORY_INSIDE_H
#define BRKPOINT_HISTORY_INSIDE_H

#include "must.h"
#include "types.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#include "members.h"

/* history/known.c */
struct process *process_of(struct history *h, uint32_t pid);
int grow(struct history *h, void **array, uint32_t *room, uint32_t count, size_t size);

/* history/processes.c */
struct thread *find_thread(struct history *h, uint32_t pid, uint32_t tid);
struct thread *known_thread(struct history *h, uint32_t pid, uint32_t tid);

/* The thread of that number; in another process than before it is another one. NULL: no memory,
 * or far too many. */
static inline struct thread *thread_of(struct history *h, uint32_t pid, uint32_t tid)
{
    struct thread *t = h->last;
    return t && t->tid == tid && t->pid == pid ? t : find_thread(h, pid, tid);
}

static inline uint64_t since_start(struct history *h, uint64_t t)
{
    if (unlikely(!h->has_start)) {
        h->start = t;
        h->has_start = 1;
    }
    uint64_t passed = t > h->start ? t - h->start : 0;
    return passed < INT64_MAX ? passed : INT64_MAX;
}

void thread_free(struct thread *t);

/* history/modules.c */
uint32_t module_at(const struct process *p, uint64_t pc);

/* history/names.c */
uint32_t name_id(struct history *h, int is_syscall, const char *name, const char *impl);
const struct hook *find_hook(struct history *h, uint32_t id);

static inline const struct hook *hook_of(struct history *h, uint32_t id)
{
    return id < NEAR && h->hook_near[id] ? &h->hooks[h->hook_near[id] - 1] : find_hook(h, id);
}

uint64_t argument_id(struct history *h, uint32_t number, const uint64_t args[6], const void *path,
                     size_t length);
void free_arguments(struct arguments *arguments);

/* history/tree.c */
uint32_t rows_kept(const struct history *h);
uint64_t node_hash(uint64_t outer, uint32_t module, uint64_t pc);
int32_t trace_node(struct history *h, int32_t parent, uint32_t module, uint64_t pc, uint64_t hash,
                   int may_add);
void write_nodes(struct history *h);

/* history/stacks.c */
struct frame_node *frame_of(struct history *h, struct thread *t, int32_t node);
int32_t trace_stack(struct history *h, struct thread *t, struct frame_node *frame, int32_t node);

/* history/calls.c */
struct call *call_around(struct thread *t, uint64_t sp, const struct frame_node *frame,
                         int32_t node);
int is_repeated(const struct thread *t, const struct call *call);
struct call *next_call(struct history *h, struct thread *t);
struct call *drop_stale(struct history *h, struct thread *t, struct call *next);
struct call *push_call(struct history *h, struct thread *t);
unsigned close_calls(struct history *h, struct thread *t, uint64_t sp, struct call *closed);

/* history/blocks.c */
/* Blocks that lie near each other are often made and freed together: those of 128 bytes of addresses
 * are looked for in one line of the caches. */
static inline uint32_t address_hash(uint64_t address)
{
    return ((uint32_t)mixed(address >> 7) & ~UINT32_C(7)) | (address >> 4 & 7);
}

void block_begin(struct history *h, struct thread *t, struct call *call);
void block_end(struct history *h, struct thread *t, struct call *call, uint64_t result,
               int has_failed);
void block_abandon(struct history *h, struct thread *t, struct call *call);
void block_forget(struct history *h, struct thread *t, struct call *call);
void block_put_new(struct history *h, struct process *p, const struct block *block);
int block_take(struct process *p, uint64_t address, struct block *block);
void blocks_copy(struct history *h, const struct process *from, struct process *to);
void blocks_free(struct process *p);
void write_blocks(struct history *h, const struct process *p);

/* history/live.c: bytes by group and time */
void live_allocate(struct history *h, struct thread *t, struct call *call, struct block *block);
void live_resize(struct history *h, const struct call *call, struct block *block);
void live_new(struct history *h, struct thread *t, uint32_t group, struct block *block,
              uint64_t t_ns);
void live_free(struct history *h, struct block *block);
void live_end(struct history *h, struct process *p);
void live_tick(struct history *h, uint64_t t_ns);
wide bytes_asked(const struct shape *shape);
uint32_t image_of(struct history *h, struct process *p);
void write_peaks(struct history *h);

/* history/stages.c: live bytes of each group through time */
void note_stage(struct history *h, uint64_t t_ns);
void write_stages(struct history *h);

/* Rows of tables go out so many at a time: a reader's work is by the record. */
enum { ROWS_TOLD = 512 };

/* history/groups.c */
uint32_t group_of(struct history *h, const struct group_key *key, uint64_t t_ns,
                  struct frame_node *frame);
void write_groups(struct history *h);
void write_sums(struct history *h, int only_changed);

/* history/events.c */
uint64_t new_event(struct history *h, uint64_t t_ns, uint32_t tid, uint32_t group,
                   const struct shape *shape);
void clear_rare(struct chunk *chunk, uint32_t row);
void set_rare_field(struct history *h, uint64_t seq, enum column column, uint64_t value);
void set_signed(struct history *h, uint64_t seq);
int event_field(struct history *h, uint64_t seq, enum column column, uint64_t *value);
void write_events(struct history *h);
void tell_sums(struct history *h);

/* A field that becomes known after the event began; it is no longer NULL. */
static inline void set_field(struct history *h, uint64_t seq, enum column column, uint64_t value)
{
    struct chunk *chunk = &h->chunk;
    if (seq < chunk->first ||
        (column >= NMEMB && column != PTR && column != RESULT && column != BLOCK)) {
        set_rare_field(h, seq, column, value);
        return;
    }
    chunk->column[column][seq - chunk->first] = value;
    chunk->column[PRESENT][seq - chunk->first] |= column_bit(column);
}

/* A call returned, with a pointer or without one. */
static inline void set_end(struct history *h, uint64_t seq, uint64_t took, int has_result,
                           uint64_t result)
{
    struct chunk *chunk = &h->chunk;
    uint64_t row = seq - chunk->first;
    if (seq < chunk->first) {
        set_rare_field(h, seq, DUR_NS, took);
        if (has_result)
            set_rare_field(h, seq, RESULT, result);
        return;
    }
    chunk->column[DUR_NS][row] = took;
    if (has_result)
        chunk->column[RESULT][row] = result;
    chunk->column[PRESENT][row] |= has_result ? HAS_DUR_NS | HAS_RESULT : HAS_DUR_NS;
}

/* history/write.c */
void put_record(struct history *h, enum spool_kind kind, const void *payload, size_t length);
void put_rows(struct history *h, enum spool_kind kind, const void *rows, size_t size, size_t count);
void put_ends(struct history *h, int is_last);

#endif
