/* saved.c - reading all that a stopped process could have saved a context in (saved.h).
 *
 * Not read is what it cannot be in: pages that were never written to (/proc/PID/pagemap), files as they
 * are, code, memory that may not be read. Small mappings come first: stacks are small.
 */
#define _GNU_SOURCE /* process_vm_readv */
#include "saved.h"
#include "area/areas.h"
#include "base/grow.h"
#include "proc/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK 64u     /* pages that are read at once: they stay in the cache */
#define ENTRIES 4096u /* of pagemap, read at once: empty ones cost nothing else */
#define MOST_ENTRIES (UINT64_C(1) << 21) /* 8 GiB of addresses: some 15 ms as well */
#define RED_ZONE 128u
#define ENTRY_FRAME 64u /* what _start has pushed */
#define THREAD_LOCAL 8192u
#define SEARCH_NS 500000000 /* 0.5 s: whatever it holds */
#define MOST_WORDS 65536u   /* of those found: beyond that it is no use to go on */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61) /* or of memory that is shared */

struct search {
    struct saved *saved;
    const struct tracee *t;
    const struct maps *maps;
    const struct range *ranges; /* lowest first */
    size_t count;
    uint64_t pages[1024]; /* a bit for each page that a range has a part of, by its last 16 bits */
    struct range *dead;   /* what threads have below their stack pointers */
    size_t dead_count;
    struct chains *chains;
    int pagemap;
    uint64_t until, bytes, entries; /* read so far */
};

/* ---- one word ---- */

static bool is_wanted(const struct search *s, uint64_t word)
{
    size_t low = 0, high = s->count;
    if ((s->pages[word >> 18 & 1023] >> (word >> 12 & 63) & 1) == 0)
        return false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->ranges[middle].high <= word)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->ranges[low].low <= word;
}

static bool is_dead(const struct search *s, uint64_t at)
{
    for (size_t i = 0; i < s->dead_count; i++)
        if (at >= s->dead[i].low && at < s->dead[i].high)
            return true;
    return false;
}

static enum saved_as saved_as(const struct search *s, uint64_t at)
{
    uint64_t words[FIRST_BEFORE + 1] = {0};
    tracee_read_some(s->t, at, words, sizeof words);
    for (unsigned i = RSP_BEFORE; i <= FIRST_BEFORE && words[RIP_BEFORE] != SELECTORS; i++)
        if (words[i] == SELECTORS)
            return SAVED_AS_REGISTER;
    return words[RIP_BEFORE] == SELECTORS ? SAVED_AS_PC : SAVED_ALONE;
}

static void note_word(struct search *s, uint64_t at, uint64_t word)
{
    struct saved *saved = s->saved;
    if (is_dead(s, at))
        return;
    struct saved_word *list =
        with_room_for_one(saved->list, saved->count, &saved->room, 64, sizeof *list);
    saved->gave_up |= list == NULL || saved->count == MOST_WORDS;
    if (saved->gave_up)
        return;
    saved->list = list;
    saved->list[saved->count++] = (struct saved_word){at, word, saved_as(s, at)};
}

/* ---- one mapping ---- */

static bool is_kept_in(const struct mapping *m, uint64_t page)
{
    return (page & (PAGE_PRESENT | PAGE_SWAPPED)) != 0 && (m->shared || (page & PAGE_OF_FILE) == 0);
}

static void look_at_pages(struct search *s, uint64_t from, size_t count)
{
    static uint64_t words[BLOCK * PAGE / sizeof(uint64_t)];
    struct iovec ours = {words, count * PAGE}, theirs = {(void *)from, count * PAGE};
    s->bytes += count * PAGE;
    s->saved->gave_up |= s->bytes > SAVED_MOST || clock_now_ns() > s->until;
    if (s->saved->gave_up)
        return;
    ssize_t got = process_vm_readv(s->t->pid, &ours, 1, &theirs, 1, 0);
    s->saved->gave_up |= got != (ssize_t)(count * PAGE);
    for (ssize_t i = 0; i < got / (ssize_t)sizeof *words; i++)
        if (is_wanted(s, words[i]))
            note_word(s, from + (uint64_t)i * sizeof *words, words[i]);
}

static void look_at_entries(struct search *s, const struct mapping *m, uint64_t from)
{
    static uint64_t pages[ENTRIES];
    size_t count = (m->end - from) / PAGE < ENTRIES ? (m->end - from) / PAGE : ENTRIES;
    ssize_t size = (ssize_t)(count * sizeof *pages);
    s->entries += count;
    s->saved->gave_up |=
        s->entries > MOST_ENTRIES ||
        pread(s->pagemap, pages, (size_t)size, (off_t)(from / PAGE * sizeof *pages)) != size;
    for (size_t i = 0; i < count && !s->saved->gave_up;) {
        size_t first = i;
        while (i < count && i - first < BLOCK && is_kept_in(m, pages[i]))
            i++;
        if (i > first)
            look_at_pages(s, from + first * PAGE, i - first);
        else
            i++;
    }
}

static void look_at_mapping(struct search *s, const struct mapping *m)
{
    for (uint64_t at = m->start; at < m->end && !s->saved->gave_up; at += ENTRIES * PAGE)
        look_at_entries(s, m, at);
}

/* The kernel's own and devices are no memory; what may only be read has been written to before, unless
 * it is code, or a file that is shared. */
static bool can_hold(const struct mapping *m)
{
    bool is_device = strncmp(m->path, "/dev/", 5) == 0 && strncmp(m->path, "/dev/shm/", 9) != 0 &&
                     strncmp(m->path, "/dev/zero", 9) != 0;
    return m->readable && (m->writable || (!m->executable && !m->shared)) &&
           strncmp(m->path, "[v", 2) != 0 && !is_device;
}

static int by_size(const void *a, const void *b)
{
    const struct mapping *x = *(const struct mapping *const *)a,
                         *y = *(const struct mapping *const *)b;
    uint64_t one = x->end - x->start, other = y->end - y->start;
    return one < other ? -1 : one > other;
}

/* ---- what is below a stack pointer ---- */

static bool is_below(uint64_t at, uint64_t start, uint64_t distance)
{
    return at <= start && start - at <= distance;
}

/* Whether a stack of that mapping begins at `at`: the kernel's for the first thread, where its arguments
 * lie (ABI: 3.4.1); and one of a thread's own, which a page that nobody can read shuts off below: at its
 * upper end stands the thread pointer (glibc, musl), below that thread-local memory. */
static bool begins_at(const struct search *s, const struct mapping *m, uint64_t fs_base,
                      uint64_t at)
{
    if (strcmp(m->path, "[stack]") == 0)
        return is_below(at, status_stack(s->t->pid), ENTRY_FRAME);
    return m > s->maps->list && m[-1].end == m->start && !m[-1].readable && !m[-1].writable &&
           fs_base < m->end && is_below(at, fs_base, THREAD_LOCAL);
}

/* Whether from the start of its mapping up to the stack pointer there is nothing but this stack. A
 * function out there may have stacks of coroutines among its variables, below the pointer while one of
 * them runs: so the frames must lead to where the stack begins. */
static bool is_its_own(const struct search *s, const struct mapping *m, pid_t tid,
                       const struct user_regs_struct *regs)
{
    uint64_t end = s->chains ? chains_end(s->chains, tid) : 0;
    return end >= regs->rsp && begins_at(s, m, regs->fs_base, end);
}

static void know_dead(struct search *s, const struct threads *threads)
{
    s->dead = calloc(threads->count + 1, sizeof *s->dead);
    for (size_t i = 0; s->dead != NULL && i < threads->count; i++) {
        struct user_regs_struct regs;
        if (ptrace(PTRACE_GETREGS, threads->list[i].tid, 0, &regs) != 0)
            continue;
        const struct mapping *m = maps_at(s->maps, regs.rsp);
        if (m != NULL && is_its_own(s, m, threads->list[i].tid, &regs))
            s->dead[s->dead_count++] = (struct range){m->start, regs.rsp - RED_ZONE, false};
    }
}

/* ---- all ---- */

/* About what is to be read: memory of no file that is there, or was and will be again, in bytes. */
static uint64_t held(pid_t pid)
{
    return (status_number(pid, "RssAnon") + status_number(pid, "RssShmem") +
            status_number(pid, "VmSwap"))
           << 10;
}

static void know_pages(struct search *s)
{
    for (size_t i = 0; i < s->count; i++)
        for (uint64_t at = s->ranges[i].low & ~(PAGE - 1); at < s->ranges[i].high; at += PAGE)
            s->pages[at >> 18 & 1023] |= UINT64_C(1) << (at >> 12 & 63);
}

static int by_low(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

static void look_at_all(struct search *s, uint64_t data)
{
    const struct mapping **list = calloc(s->maps->count + 1, sizeof *list);
    size_t count = 0;
    s->saved->gave_up |= list == NULL;
    for (size_t i = 0; list != NULL && i < s->maps->count; i++) {
        const struct mapping *m = &s->maps->list[i];
        if (can_hold(m) && (m->start < data || m->start >= data + AREA_SIZE))
            list[count++] = m;
    }
    if (count > 0)
        qsort(list, count, sizeof *list, by_size);
    for (size_t i = 0; i < count && !s->saved->gave_up; i++)
        look_at_mapping(s, list[i]);
    free(list);
}

void saved_find(struct saved *saved, const struct process *p, struct chains *chains,
                const struct maps *maps, const struct threads *threads, struct range *ranges,
                size_t count)
{
    char path[32];
    struct search s = {.saved = saved, .t = &p->tracee, .maps = maps, .chains = chains};
    *saved = (struct saved){0};
    if (count == 0)
        return;
    qsort(ranges, count, sizeof *ranges, by_low);
    s.ranges = ranges;
    s.count = count;
    s.until = clock_now_ns() + SEARCH_NS;
    snprintf(path, sizeof path, "/proc/%d/pagemap", s.t->pid);
    s.pagemap = open(path, O_RDONLY | O_CLOEXEC);
    saved->gave_up = s.pagemap < 0 || maps->list == NULL || held(s.t->pid) > SAVED_MOST;
    know_pages(&s);
    if (!saved->gave_up) {
        know_dead(&s, threads);
        look_at_all(&s, p->area);
    }
    free(s.dead);
    if (s.pagemap >= 0)
        close(s.pagemap);
}

void saved_free(struct saved *s)
{
    free(s->list);
    *s = (struct saved){0};
}

bool saved_has(const struct saved *s, const struct saved_word *word)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].at == word->at && s->list[i].pc == word->pc)
            return true;
    return false;
}

bool saved_leads_into(const struct saved *s, uint64_t low, uint64_t high)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].as != SAVED_AS_REGISTER && s->list[i].pc >= low && s->list[i].pc < high)
            return true;
    return false;
}
