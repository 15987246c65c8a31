/* drain.c - the records of all threads, in the order of their times. */
#include "records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct thread_state *thread_state(const struct host *h, uint32_t index)
{
    return host_at(h, AREA_THREADS_AT + (uint64_t)index * THREAD_SIZE);
}

struct next {
    struct thread_state *t;
    struct reader *r;
    struct process *process;
    uint64_t word, time;
};

/* What the thread has next, and when that was. False: nothing yet. */
static bool look(struct host *h, struct next *n)
{
    n->word = ring_word(h, n->t, n->r);
    if (n->word == 0)
        return false;
    n->time = 0;
    if (n->r->entered) {
        uint64_t word = ring_call_ends(h, n->r, ring_size_of(n->word));
        n->time = ring_end_time(h, n->r, word);
        return word != 0;
    }
    if (ring_has_time(n->word))
        n->time = n->r->begun = ring_record(h, n->r)[1]; /* once: its end may write there */
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
    r->nodes = record_nodes();
    r->last_time = h->last_ns;
    if (process_by(h, (pid_t)t->pid) == NULL) {
        ring_spoiled(h, r, "a thread of a process that is not the program's, or may not be read");
        return;
    }
    if (r->nodes == NULL) {
        ring_spoiled(h, r, "no memory to follow a thread");
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
        ring_release(h, r->chunk);
    memset(t, 0, offsetof(struct thread_state, words));
    if (r->tid != r->pid)
        history_thread_end(h->history, r->pid, r->tid);
    r->known = false;
    __atomic_fetch_and(&h->family->area->threads[index / 32], ~(1u << index % 32),
                       __ATOMIC_RELEASE);
}

/* The threads in use; newly met ones are announced. `ended`: a process that is over; NULL: none is. */
static size_t threads_in_use(struct host *h, struct next *list, const struct process *ended)
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
            if (index >= h->family->met)
                h->family->met = index + 1;
            if (!r->known)
                meet(h, t, r);
            struct process *owner = process_by(h, (pid_t)r->pid);
            r->stop =
                owner && owner == ended ? READ_ALL : __atomic_load_n(&t->cur, __ATOMIC_ACQUIRE);
            if (owner != NULL && (ended == NULL || owner == ended))
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

static void free_gone(struct host *h, struct next *list, size_t count, const struct process *ended)
{
    for (size_t i = 0; i < count; i++) {
        struct thread_state *t = list[i].t;
        uint32_t use = __atomic_load_n(&t->use, __ATOMIC_ACQUIRE);
        if (use != THREAD_GONE && list[i].process != ended)
            continue;
        list[i].r->stop = READ_ALL;
        if (!look(h, &list[i]))
            part(h, (uint32_t)(list[i].r - h->family->readers), t, list[i].r);
    }
}

bool drain(struct host *h, uint64_t limit)
{
    static struct next list[AREA_THREADS];
    struct process *served = h->process;
    const struct process *ended = limit == DRAIN_ALL ? served : NULL;
    size_t count = h->family ? threads_in_use(h, list, ended) : 0;
    bool any = false;
    for (;;) {
        uint64_t second = limit;
        struct next *next = oldest(h, list, count, &second);
        if (next == NULL || next->time > limit)
            break;
        serve(h, next->process);
        do {
            if (!calls_take(h, next->r, second) && !record_take(h, next->r, next->word, second))
                break;
            any = true;
        } while (look(h, next) && next->time <= second);
    }
    serve(h, served);
    free_gone(h, list, count, ended);
    return any;
}
