/* drain.c - records out of the ring, in the order of their times, into the spool.
 *
 * What stands in the ring was written by the target's own memory accesses: every index, offset and
 * kind is checked, and what makes no sense ends the reading of that thread with a word.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD_CHUNK UINT32_MAX
#define CUT_DEEP 2 /* alloctrace/words.py, CUTS */

struct thread_state *thread_state(const struct host *h, uint32_t index)
{
    return host_at(h, AREA_THREADS_AT + (uint64_t)index * THREAD_SIZE);
}

static struct chunk *chunk_at(const struct host *h, uint32_t number)
{
    return host_at(h, AREA_CHUNKS_AT + (uint64_t)(number - 1) * CHUNK_SIZE);
}

/* Between two time stamps the events are spread evenly (pace_behind). */
uint64_t event_ns(struct host *h, struct reader *r, uint64_t tsc)
{
    uint64_t ns = tsc ? clock_ns(&h->clock, tsc) : r->last_time + r->pace_ns;
    if (ns < h->last_ns)
        ns = h->last_ns;
    return h->last_ns = r->last_time = ns;
}

/* ---- one thread's stream ---- */

static void release(struct host *h, uint32_t number)
{
    __atomic_fetch_or(&h->family->area->free_chunks[(number - 1) / 32], 1u << (number - 1) % 32,
                      __ATOMIC_RELEASE);
}

static void spoiled(struct host *h, struct reader *r, const char *what)
{
    say_lost(h, 1, what);
    r->chunk = BAD_CHUNK;
}

/* ---- records that were begun and given up ----
 *
 * A signal handler that interrupts the agent may leave by siglongjmp: the record that was begun will
 * never be finished, and what follows must not wait for it. It is given up when so many chunks have
 * been filled behind it, or nothing more will come. The chunk is not used again before as many
 * others: the handler may come back after all, and finish it.
 */
#define GIVE_UP_AFTER 64
#define CHUNKS_KEPT 256
static struct {
    struct family *family;
    uint32_t number;
} kept[CHUNKS_KEPT];
static unsigned kept_next;

static void keep(struct host *h, uint32_t number)
{
    struct family *serving = h->family, *before = kept[kept_next].family;
    if (before != NULL && before->used) {
        h->family = before;
        release(h, kept[kept_next].number);
        h->family = serving;
    }
    kept[kept_next].family = serving;
    kept[kept_next].number = number;
    kept_next = (kept_next + 1) % CHUNKS_KEPT;
}

static bool is_given_up(const struct host *h, uint32_t number)
{
    for (int i = 0; i < GIVE_UP_AFTER && !h->nothing_comes; i++) {
        number = __atomic_load_n(&chunk_at(h, number)->next, __ATOMIC_ACQUIRE);
        if (number == 0 || number > AREA_CHUNKS)
            return false;
    }
    return true;
}

/* Whether the thread has taken the place that is read. */
static bool is_taken(const struct host *h, const struct thread_state *t, const struct reader *r)
{
    uint64_t cur = __atomic_load_n(&t->cur, __ATOMIC_ACQUIRE);
    uint32_t end = (uint32_t)(cur >> 32) == r->chunk ? (uint32_t)cur : chunk_at(h, r->chunk)->end;
    return r->offset < end;
}

/* Past a record that is not finished; false: it may still be. Where not even its size was written,
 * the rest of the chunk is lost. */
static bool pass_unfinished(struct host *h, struct thread_state *t, struct reader *r)
{
    const uint64_t *record = (const uint64_t *)((const char *)chunk_at(h, r->chunk) + r->offset);
    if (!is_taken(h, t, r) || !is_given_up(h, r->chunk))
        return false;
    uint64_t word = __atomic_load_n(record, __ATOMIC_ACQUIRE);
    uint32_t size = word >> 8 & 0xffff;
    if (word != 0 && (word & 0xff) != RECORD_BEGUN)
        return true; /* finished at the last moment */
    if (size == 0)
        say_lost(h, 1, "a jump left the agent: the rest of 16 KiB of events is not read");
    r->offset = size == 0 ? CHUNK_SIZE : r->offset + size;
    r->keeps = true;
    return true;
}

/* The first word of the record at the reader's place; 0: there is none yet. Moves to the next
 * chunk where this one is read. */
static uint64_t word_here(struct host *h, struct thread_state *t, struct reader *r)
{
    for (;;) {
        if (r->chunk == BAD_CHUNK)
            return 0;
        if (r->chunk == 0) {
            r->chunk = __atomic_load_n(&t->first_chunk, __ATOMIC_ACQUIRE);
            r->offset = CHUNK_HEAD;
            if (r->chunk == 0)
                return 0;
            if (r->chunk > AREA_CHUNKS) {
                spoiled(h, r, "the ring is damaged: a chunk that does not exist");
                return 0;
            }
        }
        struct chunk *c = chunk_at(h, r->chunk);
        if (r->offset + SLOT <= CHUNK_SIZE) {
            uint64_t word = __atomic_load_n((uint64_t *)((char *)c + r->offset), __ATOMIC_ACQUIRE);
            if (word != 0 && (word & 0xff) != RECORD_BEGUN)
                return word;
            if (pass_unfinished(h, t, r))
                continue;
            if (word != 0)
                return 0;
        }
        uint32_t next = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE);
        if (next == 0 || (r->offset < c->end && r->offset + SLOT <= CHUNK_SIZE))
            return 0;
        if (next > AREA_CHUNKS || next == r->chunk) {
            spoiled(h, r, "the ring is damaged: a chunk that does not exist");
            return 0;
        }
        if (r->keeps)
            keep(h, r->chunk);
        else
            release(h, r->chunk);
        r->keeps = false;
        r->chunk = next;
        r->offset = CHUNK_HEAD;
    }
}

static uint32_t size_of(uint64_t word)
{
    static const uint8_t sizes[] = {0, 32, 64, 64, 32, 96, 32};
    unsigned kind = word & 0xff;
    return kind < sizeof sizes ? sizes[kind] : 0;
}

static const uint64_t *record_here(const struct host *h, const struct reader *r)
{
    return (const uint64_t *)((const char *)chunk_at(h, r->chunk) + r->offset);
}

static bool has_time(uint64_t word)
{
    unsigned kind = word & 0xff;
    return kind != RECORD_NODE && kind < RECORD_NOTE;
}

/* Where not every event has a time stamp: the nanoseconds from one event to the next, behind the
 * stamp of the record at the reader's place. 0 where the next stamp is not there yet. */
static uint64_t pace_behind(const struct host *h, const struct reader *r)
{
    const char *chunk = (const char *)chunk_at(h, r->chunk);
    uint64_t first = record_here(h, r)[1], steps = 0;
    if (first == 0 || h->family->area->clock == 1)
        return r->pace_ns;
    for (uint32_t at = r->offset; at + SLOT <= CHUNK_SIZE;) {
        const uint64_t *record = (const uint64_t *)(chunk + at);
        uint64_t word = __atomic_load_n(record, __ATOMIC_ACQUIRE);
        uint32_t size = size_of(word);
        if (size == 0 || at + size > CHUNK_SIZE)
            return 0;
        if (steps != 0 && has_time(word) && record[1] > first)
            return (clock_ns(&h->clock, record[1]) - clock_ns(&h->clock, first)) / steps;
        steps += has_time(word) ? 2 : 0; /* begin and end */
        at += size;
    }
    return 0;
}

/* ---- stacks ---- */

/* A thread's nodes: those that it remembers, those for one event, and behind each kind as many
 * again for the function itself, which is called with that node outside of it. */
enum { RAW_NODES = MEMO_NODES + NODE_ONCE_RING, FUNCTIONS_AT = RAW_NODES, LOST_AT = 2 * RAW_NODES };

struct raw_node {
    uint64_t pc, slot; /* slot holds pc */
    uint64_t function; /* entry of the function that was called with this node; 0: none */
    uint32_t parent;
    uint32_t known; /* the node of stacks.h, 0: not looked for yet */
    bool told;      /* the history knows it */
};

static uint32_t raw_index(uint32_t id)
{
    if (id < MEMO_NODES)
        return id;
    return id >= NODE_ONCE && id < NODE_ONCE + NODE_ONCE_RING ? MEMO_NODES + id - NODE_ONCE : 0;
}

static struct raw_node *raw_at(struct reader *r, uint32_t id)
{
    return id & NODE_CUT ? NULL : (struct raw_node *)r->nodes + raw_index(id);
}

static void take_node(struct reader *r, uint64_t word, const uint64_t *record)
{
    struct raw_node *raw = raw_at(r, (uint32_t)(word >> 32));
    if (raw != NULL)
        *raw = (struct raw_node){.pc = record[2], .slot = record[3], .parent = (uint32_t)record[1]};
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
    return id & NODE_CUT ? -(int32_t)(id & 0xff) : (int32_t)raw_index(id);
}

static uint64_t slot_of(struct reader *r, uint32_t id)
{
    return id == 0 || (id & NODE_CUT) ? 0 : raw_at(r, id)->slot;
}

static void tell(struct host *h, struct reader *r, uint32_t id)
{
    uint32_t ids[MAX_FRAMES], outer;
    unsigned count = chain_of(r, id, ids, &outer);
    while (count > 0) {
        uint32_t at = ids[--count];
        struct raw_node *raw = raw_at(r, at);
        if (!raw->told)
            history_node(h->history, r->pid, r->tid, raw_index(at), as_parent(raw->parent), raw->pc,
                         slot_of(r, raw->parent));
        raw->told = true;
    }
}

/* The history's node of the function at `pc`, called through `id`. */
static int32_t stack_of(struct host *h, struct reader *r, uint32_t id, uint64_t pc)
{
    if (id == 0 || (id & NODE_CUT)) {
        uint32_t lost = LOST_AT + (id & 0xff);
        history_node(h->history, r->pid, r->tid, lost, as_parent(id), pc, 0);
        return (int32_t)lost;
    }
    struct raw_node *raw = raw_at(r, id);
    uint32_t number = FUNCTIONS_AT + raw_index(id);
    if (!raw->told)
        tell(h, r, id);
    if (raw->function != pc)
        history_node(h->history, r->pid, r->tid, number, as_parent(id), pc, raw->slot);
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

static void enter(struct host *h, struct reader *r, uint64_t word, const uint64_t *record)
{
    uint32_t number = word >> 8 & 0xffff, id = (uint32_t)(word >> 32);
    if (number >= h->family->hook_count || h->family->hooks[number].names == 0) {
        say_lost(h, 1, "a call of a hook that does not exist");
        return;
    }
    const struct hook *hook = &h->family->hooks[number];
    const struct raw_node *raw = raw_at(r, id);
    uint64_t arguments[3] = {record[2], 0, 0}, t_ns = event_ns(h, r, record[1]);
    if ((word & 0xff) == RECORD_CALL3) {
        arguments[1] = record[3];
        arguments[2] = record[4];
    }
    int32_t stack = stack_of(h, r, id, hook->address);
    r->sp = raw ? raw->slot : 0;
    opened(r, r->sp);
    if (h->process->watch_stacks && r->tid == r->pid)
        border_by_stack(h, node_of(h, r, id), t_ns);
    uint32_t name = hook->names > 1 ? hook_id_at(h, number, raw ? raw->pc : 0) : hook->spool_id[0];
    history_enter(h->history, t_ns, r->pid, r->tid, name, r->sp, arguments, stack);
}

static void begin_call(struct host *h, struct reader *r, uint64_t word, const uint64_t *record)
{
    enter(h, r, word, record);
    r->pace_ns = pace_behind(h, r);
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

static void leave_in_place(struct host *h, struct reader *r, uint64_t word, const uint64_t *record)
{
    if ((word & 0xff) == RECORD_CALL3)
        leave(h, r, r->sp, record[7], record[5], record[6]);
    else
        leave(h, r, r->sp, 0, record[3], 0);
}

static void system_call(struct host *h, struct reader *r, uint64_t word, const uint64_t *record)
{
    uint32_t number = word >> 8 & 0xffff, id = (uint32_t)(word >> 32);
    bool file = number == 9 && !(record[5] & 0x20) && (int32_t)record[6] >= 0;
    const char *path = file && r->path ? r->path : "";
    uint64_t t_ns = event_ns(h, r, record[1]);
    int32_t stack = stack_of(h, r, id, record[10]);
    if (h->process->watch_stacks && r->tid == r->pid)
        border_by_stack(h, node_of(h, r, id), t_ns);
    history_sysenter(h->history, t_ns, r->pid, r->tid, number, record[9], record + 2, stack, path,
                     strlen(path));
    history_sysleave(h->history, event_ns(h, r, record[11]), r->pid, r->tid, number,
                     (int64_t)record[8]);
}

/* ---- step by step ---- */

/* The call at the reader's place: its word once nothing will be written into it any more, 0 while
 * its result may still come. Behind a record that follows it, its end has a record of its own. */
static uint64_t call_ends(const struct host *h, const struct reader *r, uint32_t size)
{
    const struct chunk *c = chunk_at(h, r->chunk);
    const uint64_t *record = record_here(h, r);
    bool follows = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE) != 0;
    if (!follows && r->offset + size + SLOT <= CHUNK_SIZE)
        follows =
            __atomic_load_n((const uint64_t *)((const char *)record + size), __ATOMIC_ACQUIRE) != 0;
    uint64_t word = __atomic_load_n(record, __ATOMIC_ACQUIRE);
    return word & RECORD_DONE || follows ? word : 0;
}

/* Take the record at the reader's place; false where the next one must be waited for. */
static bool step(struct host *h, struct reader *r, uint64_t word)
{
    const uint64_t *record = record_here(h, r);
    uint32_t size = size_of(word);
    if (size == 0 || r->offset + size > CHUNK_SIZE) {
        spoiled(h, r, "the ring is damaged: a record of an unknown kind");
        return false;
    }
    switch (word & 0xff) {
    case RECORD_CALL:
    case RECORD_CALL3:
        if (!r->entered)
            begin_call(h, r, word, record);
        r->entered = true;
        word = call_ends(h, r, size);
        if (word & RECORD_DONE)
            leave_in_place(h, r, word, record);
        else if (word == 0)
            return false;
        r->entered = false;
        break;
    case RECORD_LEAVE:
        leave(h, r, record[2], record[1], record[3], record[4]);
        break;
    case RECORD_NODE:
        take_node(r, word, record);
        break;
    case RECORD_SYSCALL:
        system_call(h, r, word, record);
        break;
    }
    r->offset += size;
    return true;
}

/* ---- all threads ---- */

struct next {
    struct thread_state *t;
    struct reader *r;
    struct process *process;
    uint64_t word, time;
};

/* What the thread has next, and when that was. False: nothing yet. */
static bool look(struct host *h, struct next *n)
{
    n->word = word_here(h, n->t, n->r);
    if (n->word == 0)
        return false;
    n->time = 0;
    if (n->r->entered)
        return call_ends(h, n->r, size_of(n->word)) != 0;
    if (has_time(n->word))
        n->time = record_here(h, n->r)[1];
    return true;
}

/* A process that nobody has told of yet: a forked child that was quicker than its parent. */
static void meet_process(struct host *h, pid_t pid)
{
    char path[32], line[256];
    int parent = 0;
    if (process_by(h, pid) != NULL)
        return;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "PPid: %d", &parent) == 1)
            break;
    if (file != NULL)
        fclose(file);
    struct process *before = h->process, *p = process_by(h, parent);
    if (p != NULL && p->family == h->family)
        serve(h, p);
    process_forked(h, pid);
    serve(h, before);
}

static void meet(struct host *h, struct thread_state *t, struct reader *r)
{
    meet_process(h, (pid_t)t->pid);
    free(r->nodes);
    free(r->path);
    *r = (struct reader){.known = true, .pid = t->pid, .tid = t->tid};
    r->nodes = calloc(RAW_NODES, sizeof(struct raw_node));
    r->last_time = h->last_ns;
    if (r->nodes == NULL) {
        spoiled(h, r, "no memory to follow a thread");
        return;
    }
    if (t->tid == t->pid)
        return;
    history_thread(h->history, r->pid, r->tid);
    json_begin(&h->json, "thread");
    json_number(&h->json, "tid", t->tid);
    json_number(&h->json, "t_ns", h->last_ns);
    spool_json(&h->spool, &h->json);
}

/* The thread is over and read to its end: its state is free for another. */
static void part(struct host *h, uint32_t index, struct thread_state *t, struct reader *r)
{
    h->hits += t->hits;
    h->misses += t->misses;
    if (r->chunk != 0 && r->chunk != BAD_CHUNK)
        release(h, r->chunk);
    memset(t, 0, offsetof(struct thread_state, words));
    if (r->tid != r->pid)
        history_thread_end(h->history, r->pid, r->tid);
    r->known = false;
    __atomic_fetch_and(&h->family->area->threads[index / 32], ~(1u << index % 32),
                       __ATOMIC_RELEASE);
}

/* The threads in use; newly met ones are announced. */
static size_t threads_in_use(struct host *h, struct next *list)
{
    size_t count = 0;
    for (uint32_t w = 0; w < AREA_THREADS / 32; w++)
        for (uint32_t bits = __atomic_load_n(&h->family->area->threads[w], __ATOMIC_ACQUIRE);
             bits != 0; bits &= bits - 1) {
            uint32_t index = w * 32 + (uint32_t)__builtin_ctz(bits);
            struct thread_state *t = thread_state(h, index);
            struct reader *r = &h->family->readers[index];
            if (__atomic_load_n(&t->use, __ATOMIC_ACQUIRE) == THREAD_FREE)
                continue; /* not yet introduced */
            if (!r->known)
                meet(h, t, r);
            struct process *owner = process_by(h, (pid_t)r->pid);
            if (owner != NULL)
                list[count++] = (struct next){t, r, owner, 0, 0};
        }
    return count;
}

/* The thread whose next record is the oldest, and the time of the second oldest. */
static struct next *oldest(struct host *h, struct next *list, size_t count, uint64_t *second)
{
    struct next *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!look(h, &list[i]))
            continue;
        if (best == NULL || list[i].time < best->time) {
            if (best != NULL && best->time < *second)
                *second = best->time;
            best = &list[i];
        } else if (list[i].time < *second) {
            *second = list[i].time;
        }
    }
    return best;
}

/* `ended`: a process that is over with all its threads; NULL: none is. */
static void free_gone(struct host *h, struct next *list, size_t count, const struct process *ended)
{
    for (size_t i = 0; i < count; i++) {
        struct thread_state *t = list[i].t;
        uint32_t use = __atomic_load_n(&t->use, __ATOMIC_ACQUIRE);
        if ((use == THREAD_GONE || list[i].process == ended) && !look(h, &list[i]))
            part(h, (uint32_t)(list[i].r - h->family->readers), t, list[i].r);
    }
}

bool drain(struct host *h, uint64_t limit)
{
    h->nothing_comes = limit == DRAIN_ALL;
    static struct next list[AREA_THREADS];
    struct process *served = h->process;
    size_t count = h->family ? threads_in_use(h, list) : 0;
    bool any = false;
    for (;;) {
        uint64_t second = limit;
        struct next *next = oldest(h, list, count, &second);
        if (next == NULL || next->time > limit)
            break;
        serve(h, next->process);
        do {
            if (!step(h, next->r, next->word))
                break;
            any = true;
        } while (look(h, next) && next->time <= second);
    }
    serve(h, served);
    free_gone(h, list, count, limit == DRAIN_ALL ? served : NULL);
    return any;
}
