/* syscall_sites.c - the `syscall` instructions of a piece of executable code (syscall_sites.h). */
#define _GNU_SOURCE /* memmem */
#include "syscall_sites.h"
#include "contract.h"
#include "branches.h"
#include "syscall_reading.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum {
    SYSCALL_BYTES = 2,
    AROUND = 512, /* bytes that are read before and behind a syscall between known functions */
};

bool syscall_matters(int number)
{
    static const int others[] = {SYS_clone,     SYS_fork,       SYS_vfork,      SYS_execve,
                                 SYS_exit,      SYS_execveat,   SYS_clone3,     SYS_exit_group,
                                 SYS_prctl,     SYS_seccomp,    SYS_arch_prctl, SYS_setrlimit,
                                 SYS_prlimit64, SYSCALL_UNKNOWN};
    for (size_t n = 0; n < sizeof others / sizeof *others; n++)
        if (number == others[n])
            return true;
    return IS_MEMORY_SYSCALL(number);
}

/* The first address in [low, high) where the bytes of a syscall stand; `high`: none. */
static uint64_t next_bytes(const struct text *text, uint64_t low, uint64_t high)
{
    const uint8_t *begin = text->code.bytes + (low - text->code.address);
    const uint8_t *found = memmem(begin, high - low, "\x0f\x05", SYSCALL_BYTES);
    return found ? low + (uint64_t)(found - begin) : high;
}

static bool read_piece(const struct text *text, uint64_t low, uint64_t high, bool certain,
                       struct syscall_sites *out)
{
    struct code piece = {low, text->code.bytes + (low - text->code.address), high - low};
    return read_syscall_sites(&piece, certain, out);
}

static bool look_in_function(const struct text *text, uint64_t low, uint64_t high,
                             struct syscall_sites *out)
{
    return next_bytes(text, low, high) == high || read_piece(text, low, high, true, out);
}

/* Code that no function is known in may be long: only what is around such bytes is read. */
static bool look_between(const struct text *text, uint64_t low, uint64_t high,
                         struct syscall_sites *out)
{
    for (uint64_t at = next_bytes(text, low, high); at < high; at = next_bytes(text, low, high)) {
        uint64_t from = at - low > AROUND ? at - AROUND : low, to = at;
        /* pieces that touched would part at a place where no instruction need begin */
        for (; at < high && at - to <= 2 * AROUND; at = next_bytes(text, to, high))
            to = at + SYSCALL_BYTES;
        to = high - to > AROUND ? to + AROUND : high;
        if (!read_piece(text, from, to, false, out))
            return false;
        low = to;
    }
    return true;
}

/* -- jumps from elsewhere */

/* Two ranges for each: into the straight code before its run, from which its number was read, and
 * into the run. A function's .cold part is a function of its own, and may jump to either. */
static void set_ranges(const struct syscall_site *site, uint64_t edge, struct range ranges[2])
{
    uint64_t start = site->length ? site->start : site->address;
    uint64_t end = site->length ? start + site->length : start + 1;
    uint64_t run = start + 1 > edge ? start + 1 : edge;
    uint64_t line = site->line + 1 > edge ? site->line + 1 : edge;
    ranges[0] = (struct range){line < run ? line : run, run, false};
    ranges[1] = (struct range){run, end > run ? end : run, false};
}

static void obey(struct syscall_site *site, const struct range ranges[2])
{
    if (ranges[0].branched_into || ranges[1].branched_into)
        site->number = SYSCALL_UNKNOWN;
    if (ranges[1].branched_into && site->refusal == MOVED)
        site->refusal = BRANCHED_INTO;
}

static bool look_for_jumps(const struct text *text, struct syscall_sites *sites)
{
    struct range *ranges = calloc(2 * sites->count + 1, sizeof *ranges);
    uint64_t edge = 0;
    if (!ranges)
        return false;
    for (size_t n = 0; n < sites->count; n++) {
        set_ranges(&sites->list[n], edge, ranges + 2 * n);
        edge = ranges[2 * n + 1].high;
    }
    find_branches_into(&text->code, ranges, 2 * sites->count);
    for (size_t n = 0; n < sites->count; n++)
        obey(&sites->list[n], ranges + 2 * n);
    free(ranges);
    return true;
}

bool syscall_sites_find(const struct text *text, struct syscall_sites *out)
{
    uint64_t at = text->code.address, end = at + text->code.length;
    *out = (struct syscall_sites){0};
    for (size_t n = 0; n < text->count && at < end; n++) {
        uint64_t low = text->functions[n].address, high = low + text->functions[n].length;
        if (high <= at || high < low || low >= end)
            continue;
        low = low < at ? at : low;
        high = high > end ? end : high;
        if (!look_between(text, at, low, out) || !look_in_function(text, low, high, out))
            return false;
        at = high;
    }
    return look_between(text, at, end, out) && look_for_jumps(text, out);
}

void syscall_sites_free(struct syscall_sites *sites)
{
    free(sites->list);
    *sites = (struct syscall_sites){0};
}
