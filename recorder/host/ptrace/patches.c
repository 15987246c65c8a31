/* patches.c - a few bytes here and there in the target's code (patches.h). */
#define _GNU_SOURCE /* process_vm_readv */
#include "patches.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define PAGE_BYTES 4096u
#define MOST_RUNS 32 /* read in one go */

/* Patches that begin in one page. */
struct run {
    struct patch *first;
    size_t count;
    uint64_t end;
};

static int by_address(const void *one, const void *other)
{
    const struct patch *a = one, *b = other;
    return (a->at > b->at) - (a->at < b->at);
}

static struct run run_at(struct patch *list, size_t count)
{
    struct run run = {list, 0, 0};
    while (run.count < count && list[run.count].at / PAGE_BYTES == list->at / PAGE_BYTES) {
        const struct patch *p = &list[run.count++];
        run.end = p->at + p->length > run.end ? p->at + p->length : run.end;
    }
    return run;
}

static void write_run(const struct tracee *t, const struct run *run, uint8_t *bytes)
{
    for (size_t i = 0; i < run->count; i++)
        memcpy(bytes + (run->first[i].at - run->first->at), run->first[i].bytes,
               run->first[i].length);
    bool done = tracee_write(t, run->first->at, bytes, run->end - run->first->at);
    for (size_t i = 0; i < run->count; i++)
        run->first[i].failed = !done;
}

static void write_each(const struct tracee *t, struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        struct patch *p = &run->first[i];
        p->failed = !tracee_write(t, p->at, p->bytes, p->length);
    }
}

static void write_runs(const struct tracee *t, struct run *runs, size_t count)
{
    static uint8_t bytes[MOST_RUNS][PAGE_BYTES + PATCH_ROOM];
    struct iovec ours[MOST_RUNS] = {0}, theirs[MOST_RUNS] = {0};
    ssize_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = runs[i].end - runs[i].first->at;
        ours[i] = (struct iovec){bytes[i], length};
        theirs[i] = (struct iovec){(void *)runs[i].first->at, length};
        size += (ssize_t)length;
    }
    bool known = process_vm_readv(t->pid, ours, count, theirs, count, 0) == size;
    for (size_t i = 0; i < count; i++)
        if (known)
            write_run(t, &runs[i], bytes[i]);
        else
            write_each(t, &runs[i]);
}

void patches_write(const struct tracee *t, struct patch *list, size_t count)
{
    struct run runs[MOST_RUNS];
    size_t n = 0;
    qsort(list, count, sizeof *list, by_address);
    for (size_t i = 0; i < count; i += runs[n - 1].count) {
        if (n == MOST_RUNS) {
            write_runs(t, runs, n);
            n = 0;
        }
        runs[n++] = run_at(list + i, count - i);
    }
    write_runs(t, runs, n);
}
