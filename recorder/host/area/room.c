/* room.c - a program that limits its own address space gets back what it has mapped for us beyond a
 * share of that, as if the limit had been there from the start (size.c).
 */
#include "areas.h"
#include "proc/status.h"
#include "size.h"

#include <sys/resource.h>

static bool uses_threads(const struct area_head *area, uint32_t from)
{
    uint32_t used = 0;
    for (uint32_t w = from / 32; w < AREA_THREADS / 32; w++)
        used |= __atomic_load_n(&area->threads[w], __ATOMIC_ACQUIRE);
    return used != 0;
}

/* Those from word `from` on, before `to`: nobody gets one any more. */
static bool takes_chunks(struct area_head *area, uint32_t from, uint32_t to)
{
    bool all = true;
    for (uint32_t w = from; w < to && all; w++) {
        uint32_t old = __atomic_exchange_n(&area->free_chunks[w], 0, __ATOMIC_ACQUIRE);
        all = old == UINT32_MAX;
        for (uint32_t back = w; !all && back >= from && back <= w; back--)
            __atomic_fetch_or(&area->free_chunks[back], back == w ? old : UINT32_MAX,
                              __ATOMIC_RELEASE);
    }
    return all;
}

/* Those of one family share the area: they all have no more from now on. */
static bool shrinks(struct family *f, const struct area_size *size)
{
    if (size <= f->size)
        return true; /* it is no larger already */
    uint32_t threads = f->area->thread_limit;
    __atomic_store_n(&f->area->thread_limit, size->threads, __ATOMIC_SEQ_CST);
    if (f->tables_used <= size->tables && !uses_threads(f->area, size->threads) &&
        takes_chunks(f->area, size->chunks / 32, f->size->chunks / 32)) {
        f->size = size;
        return true;
    }
    __atomic_store_n(&f->area->thread_limit, threads, __ATOMIC_SEQ_CST);
    return false;
}

static const struct area_size *smallest_within(const struct area_size *size, uint64_t bytes)
{
    const struct area_size *next;
    while (area_size_bytes(size) > bytes && (next = area_size_smaller(size)) != NULL)
        size = next;
    return size;
}

/* Whether a state is of a process that has ended, and of which not all is read yet. */
static bool is_left_over(const struct host *h, const struct family *f, const struct thread_state *t)
{
    bool is_known = false;
    for (size_t i = 0; i < h->process_count; i++) {
        const struct process *p = h->processes[i];
        if (p->family != f || own_pid_of(p) != t->pid)
            continue;
        if (status_has_memory(p->tracee.pid) || status_number(p->tracee.pid, "Threads") > 1)
            return false; /* the first thread may have ended by itself */
        is_known = true;
    }
    return is_known;
}

/* Whether a state has nothing in the steps that go from the process of `own`. The very first one may be
 * of another process, where it stays as it is; a thread has one more from before it had a thread pointer,
 * with few stacks. */
static bool needs_no_steps(const struct host *h, const struct family *f,
                           const struct thread_state *own, uint32_t index)
{
    const struct thread_state *t = host_at(f, THREAD_AT(index));
    bool is_of_other = t->pid != own->pid;
    if (t == own || (is_of_other && (index == 0 || is_left_over(h, f, t))))
        return true;
    return (is_of_other || t->tid == own->tid) && t->fs == 0 && t->paths == 0;
}

/* Memory for more stacks goes only while nobody's may lie there. `forgets`: the thread that asks has
 * forgotten its own. */
static bool drops_steps(const struct host *h, const struct process *p, const struct area_size *size,
                        uint64_t forgets)
{
    struct area_head *area = p->family->area;
    if (!p->size->memo_grows || size->memo_grows)
        return true;
    if (forgets == 0 || forgets > AREA_THREADS)
        return false;
    uint32_t used = __atomic_load_n(&area->threads[0], __ATOMIC_ACQUIRE);
    const struct thread_state *own = host_at(p->family, THREAD_AT(forgets - 1));
    for (uint32_t i = 0; i < MEMO_THREADS; i++)
        if (used >> i & 1 && !needs_no_steps(h, p->family, own, i))
            return false;
    __atomic_store_n(&area->memo_grows, 0, __ATOMIC_SEQ_CST);
    return true;
}

/* Of both lists, sorted, what is in `large` alone: its piece `number`. */
static bool piece_between(const struct area_size *large, const struct area_size *small,
                          unsigned number, uint64_t piece[2])
{
    struct piece all[MAX_PIECES], kept[MAX_PIECES];
    unsigned count = area_size_pieces(large, all), left = area_size_pieces(small, kept), k = 0;
    for (unsigned i = 0; i < count; i++) {
        uint64_t at = all[i].at, end = at + all[i].size;
        while (at < end) {
            while (k < left && kept[k].at + kept[k].size <= at)
                k++;
            uint64_t next = k < left && kept[k].at < end ? kept[k].at : end;
            if (next > at && number-- == 0) {
                piece[0] = at;
                piece[1] = next - at;
                return true;
            }
            at = next < end ? kept[k].at + kept[k].size : end;
        }
    }
    return false;
}

void area_makes_room(struct host *h, struct process *p, const uint64_t told[2], uint64_t piece[2])
{
    struct rlimit limit;
    piece[0] = piece[1] = 0;
    if (p->has_shrunk == 0) { /* else it asks for the next piece */
        if (!tracee_read(&p->tracee, told[0], &limit, sizeof limit))
            return;
        const struct area_size *size = smallest_within(p->size, area_size_share(limit.rlim_cur));
        while (size != p->size && !(drops_steps(h, p, size, told[1]) && shrinks(p->family, size)))
            size = area_size_larger(size);
        p->shrinks_to = size;
    }
    if (p->shrinks_to != p->size && piece_between(p->size, p->shrinks_to, p->has_shrunk, piece)) {
        p->has_shrunk++;
        piece[0] += p->area;
        return;
    }
    p->has_shrunk = 0;
    if (p->shrinks_to != p->size) {
        p->size = p->shrinks_to;
        area_tell_size(h, p);
    }
}
