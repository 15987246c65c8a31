/* drain.c - the records of all threads, in the order of their times. */
#include "records.h"
#include "proc/status.h"
#include "process/thread_names.h"
#include "unread.h"
#include "drain.h"
#include "process/processes.h"
#include "process/who.h"

#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct thread_state *thread_state(const struct family *f, uint32_t index)
{
    return host_at(f, THREAD_AT(index));
}

struct next {
    struct thread_state *t;
    struct reader *r;
    struct process *process;
    uint64_t word, time;
    bool gone; /* it had written its last when the turn began */
};

/* What the thread has next, and when that was. False: nothing yet. */
static bool look(struct host *h, struct family *f, struct next *n)
{
    n->word = ring_word(h, f, n->t, n->r);
    if (n->word == 0)
        return false;
    n->time = 0;
    if (n->r->entered) {
        uint64_t word = ring_call_ends(f, n->r, ring_size_of(n->word));
        n->time = ring_end_time(f, n->r, word);
        return word != 0;
    }
    if (ring_has_time(n->word))
        n->time = n->r->begun =
            ring_record(f, n->r)->event.time; /* once: its end may write there */
    return true;
}

/* The process of that number which records here. An unannounced one is a forked child that ran before
 * its parent reported it: `known` is the parent where /proc does not say. NULL: there is none. */
static struct process *meet_process(struct host *h, struct process *known, pid_t pid)
{
    struct process *p = process_by(h, pid);
    if (p == NULL) {
        struct process *parent = process_by(h, (pid_t)status_number(pid, "PPid"));
        bool is_here = parent != NULL && parent->family == known->family;
        p = process_forked(h, is_here ? parent : known, pid);
    }
    return p != NULL && p->family == known->family ? p : NULL;
}

static void meet(struct host *h, struct process *known, struct thread_state *t, struct reader *r)
{
    const struct process *p = meet_process(h, known, who_records(h, known, t));
    free(r->nodes);
    free(r->path);
    *r = (struct reader){.known = true, .pid = t->pid, .tid = t->tid};
    if (p != NULL) {
        r->pid = pid_of(p);
        r->tid = t->tid == t->pid ? r->pid : who_thread(h, p, t->tid);
    }
    r->last_time = h->last_ns;
    if (p == NULL) {
        ring_spoiled(h, r, "a thread of a process that is not the program's, or may not be read");
        return;
    }
    if (r->tid == r->pid)
        return;
    history_thread(h->history, r->pid, r->tid);
    json_begin(&h->json, "thread");
    json_number(&h->json, "tid", r->tid);
    json_number(&h->json, "t_ns", h->last_ns);
    spool_json(&h->spool, &h->json);
}

/* The thread is over and read to its end: its state is free for another. */
static void part(struct host *h, struct family *f, uint32_t index, struct thread_state *t,
                 struct reader *r)
{
    thread_named(h, r->pid, r->tid, r->last_time, t->name);
    h->hits += t->hits;
    h->misses += t->misses;
    if (r->chunk != 0 && r->chunk != BAD_CHUNK)
        ring_release(h, f, r->chunk);
    memset(t, 0, offsetof(struct thread_state, buckets));
    t->was_used = 1;
    free(r->nodes);
    r->nodes = NULL;
    r->node_room = 0;
    if (r->tid != r->pid)
        history_thread_end(h->history, r->pid, r->tid);
    r->known = false;
    __atomic_fetch_and(&f->area->threads[index / 32], ~(1u << index % 32), __ATOMIC_RELEASE);
}

/* The thread at `index`, newly met ones are announced; false: nothing is to be read of it. */
static bool take_note(struct host *h, struct process *p, uint32_t index,
                      const struct process *ended, struct next *n)
{
    struct family *f = p->family;
    struct thread_state *t = thread_state(f, index);
    struct reader *r = &f->readers[index];
    uint32_t use = __atomic_load_n(&t->use, __ATOMIC_ACQUIRE);
    if (use == THREAD_FREE)
        return false; /* not yet introduced */
    if (index >= f->met)
        f->met = index + 1;
    if (!r->known)
        meet(h, p, t, r);
    struct process *owner = p;
    if ((uint32_t)owner->tracee.pid != r->pid)
        owner = process_by(h, (pid_t)r->pid);
    if (owner != NULL && owner->family != f)
        owner = NULL; /* it has exec'd: what it records now lies elsewhere */
    bool is_over = owner != NULL && owner == ended;
    r->stop = is_over ? READ_ALL : __atomic_load_n(&t->cur, __ATOMIC_ACQUIRE);
    *n = (struct next){.t = t, .r = r, .process = owner, .gone = is_over || use == THREAD_GONE};
    return owner != NULL && (ended == NULL || is_over);
}

/* The threads in use. `ended`: of a process that is over; NULL: of all. */
static size_t threads_in_use(struct host *h, struct process *p, struct next *list,
                             const struct process *ended)
{
    size_t count = 0;
    for (uint32_t w = 0; w < AREA_THREADS / 32; w++)
        for (uint32_t bits = __atomic_load_n(&p->family->area->threads[w], __ATOMIC_ACQUIRE);
             bits != 0; bits &= bits - 1)
            count += take_note(h, p, w * 32 + (uint32_t)__builtin_ctz(bits), ended, &list[count]);
    return count;
}

/* ---- a heap: on top the thread whose next record is the oldest ---- */

struct heap {
    struct next **list;
    size_t count;
};

static uint64_t time_at(const struct heap *heap, size_t at)
{
    return at < heap->count ? heap->list[at]->time : UINT64_MAX;
}

static void sink(struct heap *heap, size_t at)
{
    struct next *moved = heap->list[at];
    for (;;) {
        size_t child = 2 * at + 1;
        child += time_at(heap, child + 1) < time_at(heap, child);
        if (time_at(heap, child) >= moved->time)
            break;
        heap->list[at] = heap->list[child];
        at = child;
    }
    heap->list[at] = moved;
}

static void fill(struct host *h, struct family *f, struct heap *heap, struct next *list,
                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (look(h, f, &list[i]))
            heap->list[heap->count++] = &list[i];
        unread_note(h, list[i].t, list[i].r);
    }
    for (size_t i = heap->count / 2; i-- > 0;)
        sink(heap, i);
}

/* What stands on top now; `has_more`: its thread has something next. */
static void settle(struct heap *heap, bool has_more)
{
    if (!has_more)
        heap->list[0] = heap->list[--heap->count];
    if (heap->count > 1)
        sink(heap, 0);
}

/* ---- all of it ---- */

#define MANY_GIVEN_BACK 64

#define CHUNKS_EACH 16

/* How many chunks there are for threads that wait for one. */
static unsigned free_chunks(const struct area_head *area)
{
    unsigned count = 0, chunks = AREA_FIRST + area->threads_top;
    for (unsigned w = 0; w < AREA_CHUNKS / 32 && w < chunks / 32; w++)
        count += (unsigned)__builtin_popcount(area->free_chunks[w]);
    return count;
}

/* Threads that wait for chunks are woken, one for so many chunks: it fills them one after the other. If
 * one were woken for each chunk, as many would fall asleep again a moment later, and a processor runs
 * but one at a time. Whoever is left is woken in the next turn, as long as a chunk is free. */
static void tell_hungry(struct family *f)
{
    struct area_head *area = f->area;
    unsigned found = 0;
    if (__atomic_load_n(&area->hungry, __ATOMIC_SEQ_CST) != 0)
        found = free_chunks(area);
    if (found != 0 || f->given_back != 0)
        __atomic_fetch_add(&area->released, 1, __ATOMIC_SEQ_CST);
    f->given_back = 0;
    if (found != 0)
        syscall(SYS_futex, &area->released, FUTEX_WAKE, (int)(1 + found / CHUNKS_EACH));
}

static void free_gone(struct host *h, struct family *f, struct next *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!list[i].gone)
            continue;
        list[i].r->stop = READ_ALL;
        if (!look(h, f, &list[i]))
            part(h, f, (uint32_t)(list[i].r - f->readers), list[i].t, list[i].r);
    }
}

bool drain(struct host *h, struct process *p, uint64_t limit)
{
    static struct next list[AREA_THREADS], *places[AREA_THREADS];
    struct family *f = p->family;
    if (f == NULL)
        return false;
    size_t count = threads_in_use(h, p, list, limit == DRAIN_ALL ? p : NULL);
    struct heap heap = {places, 0};
    bool any = false, has_more;
    fill(h, f, &heap, list, count);
    while (heap.count != 0 && heap.list[0]->time <= limit) {
        struct next *next = heap.list[0];
        must(next->time <= time_at(&heap, 1) && next->time <= time_at(&heap, 2),
             "the record that is taken next is the oldest");
        must(next->process->family == f,
             "a record is of a process of the family whose ring it is in");
        uint64_t second = time_at(&heap, 1 + (time_at(&heap, 2) < time_at(&heap, 1)));
        second = second < limit ? second : limit;
        do {
            has_more = calls_take(h, next->process, next->r, second) ||
                       record_take(h, next->process, next->r, next->word, second);
            any |= has_more;
        } while (has_more && (has_more = look(h, f, next)) && next->time <= second);
        unread_note(h, next->t, next->r);
        settle(&heap, has_more);
        if (f->given_back >= MANY_GIVEN_BACK)
            tell_hungry(f);
    }
    free_gone(h, f, list, count);
    tell_hungry(f);
    return any;
}
