/* place.c - where the areas go in a process (place.h).
 *
 * Programs count on addresses: some map over them with MAP_FIXED, some end where anything is there.
 * What is known of x86-64, as ranges of addresses in units of 2^40 (a terabyte, 0x10000000000):
 *
 *   0         the program without PIE, `brk`; compressed pointers of Java, LuaJIT; wine: 0-0x7fff0000,
 *             fixed (loader/preloader.c); GHC's heap from 0x4200000000 on
 *   0-0x10    ASan's shadow 0x7fff8000-0x10007fff8000 (asan_mapping.h); Go 0xc000000000 and each
 *             0x..c000000000 as hints (runtime/malloc.go); Java's ZGC 0x04-0x14 (zAddress)
 *   0x10-0x40 ThreadSanitizer's shadow and meta 0x01-0x40, from LLVM 18 0x10-0x38 (tsan_platform.h);
 *             MemorySanitizer's and DataFlowSanitizer's shadow and origins 0x01-0x51 (msan.h,
 *             dfsan_platform.h): nothing else may be there
 *   0x02-0x20 mimalloc's hints; V8's cage and sandbox: a random address, any other if it is taken
 *   0x50-0x64 heaps of ASan, LSan 0x50-0x54 or 0x60-0x64; traces of TSan 0x60-0x62; MSan: origins
 *   0x55, 0x56 the program with PIE; TSan allows it up to 0x568 or 0x5a, and nothing to 0x7a
 *   0x70-0x74 heaps of MSan and DFSan; 0x72, 0x7a or 0x7b TSan's
 *   0x7e8     and all above, from LLVM 18 0x7c or 0x7a: what TSan allows libraries and stacks
 *   0x7fff    the last 32 MiB: wine, fixed
 *
 * What is left is where the kernel puts libraries, thread stacks and what is mapped anywhere: at
 * random, from some place in the topmost terabyte downwards. No program can count on an address
 * there, and all of the above leave it to the kernel (glibc, jemalloc and tcmalloc too). Between that
 * place and the stack the kernel puts nothing at all: there ours is in nobody's way.
 */
#include "place.h"
#include "areas.h"

#include <string.h>

#define REACH (UINT64_C(1) << 31)
#define MARGIN (UINT64_C(1) << 20)
#define KERNELS UINT64_C(0x700000000000) /* and all above: nobody's but the kernel's to give */
#define LOW_MARGIN (UINT64_C(16) << 10)
#define LOW (UINT64_C(1) << 32) /* below: the program without PIE */
#define PROGRAMS UINT64_C(0x550000000000)
#define PROGRAMS_END UINT64_C(0x570000000000)

/* ---- where the code goes: within reach, and out of the way of what is mapped later ---- */

static uint64_t between(uint64_t low, uint64_t high, uint64_t size, bool at_low, uint64_t margin)
{
    if (high < low || high - low < size + 2 * margin)
        return 0;
    return at_low ? page_up(low + margin) : (high - margin - size) & ~(PAGE - 1);
}

/* With an unlimited stack the libraries are far below the program, and its heap grows up from there. */
static bool is_program(uint64_t address)
{
    return address >= PROGRAMS && address < PROGRAMS_END;
}

/* Above the topmost mapping that the kernel placed from the top down, below the stack. */
static uint64_t above_libraries(const struct maps *maps, uint64_t size)
{
    for (size_t i = 1; i < maps->count; i++)
        if (strcmp(maps->list[i].path, "[stack]") == 0 && !is_program(maps->list[i - 1].start))
            return between(maps->list[i - 1].end, maps->list[i].start, size, true, MARGIN);
    return 0;
}

static uint64_t below(const struct maps *maps, uint64_t address, uint64_t size)
{
    uint64_t low = 65536, high = address;
    for (size_t i = 0; i < maps->count && maps->list[i].start < address; i++)
        low = maps->list[i].end > low ? maps->list[i].end : low;
    uint64_t far = between(low, high, size, false, MARGIN);
    return far ? far : between(low, high, size, false, LOW_MARGIN);
}

/* Where there is no room below, as for a program at 2 MiB: as far above as code can reach. A heap that
 * grows up to it goes on elsewhere, as malloc does where brk fails. */
static uint64_t far_above(const struct maps *maps, uint64_t address, uint64_t size)
{
    uint64_t at = (address + REACH - 2 * MARGIN - size) & ~(PAGE - 1);
    for (size_t i = 0; i < maps->count; i++)
        if (maps->list[i].start < at + size && maps->list[i].end > at)
            return 0;
    return at;
}

/* In the nearest gap above: where code of ours that had to stay (unplant.c) lies above the libraries, or
 * the program does. Further up it would not reach those that are mapped below the first. */
static uint64_t next_above(const struct maps *maps, uint64_t address, uint64_t size)
{
    uint64_t at = 0;
    for (size_t i = 1; i < maps->count && at == 0; i++)
        if (maps->list[i - 1].start >= address)
            at = between(maps->list[i - 1].end, maps->list[i].start, size, true, MARGIN);
    return at;
}

bool place_reaches(uint64_t from, uint64_t size, uint64_t address)
{
    uint64_t away = from > address ? from + size - address : address - from;
    return away < REACH - MARGIN;
}

uint64_t place_code(const struct maps *maps, uint64_t anchor, uint64_t size)
{
    uint64_t at = above_libraries(maps, size);
    const struct mapping *m = maps_at(maps, anchor);
    if ((at == 0 || !place_reaches(at, size, anchor)) && m != NULL) {
        uint64_t first = m->start;
        for (size_t i = 0; i < maps->count; i++)
            if (strcmp(maps->list[i].path, m->path) == 0 && maps->list[i].start < first)
                first = maps->list[i].start;
        at = below(maps, first, size);
        if (at == 0)
            at = first < LOW ? far_above(maps, first, size) : next_above(maps, first, size);
    }
    return at;
}

/* ---- where the data goes: wherever libraries may ---- */

#define TOP UINT64_C(0x7fffffff0000)

/* In the highest gap with so much to spare on both sides: the stack grows down into it, other
 * mappings may from both sides. 0: there is none. */
static uint64_t in_gap(const struct maps *maps, uint64_t size, uint64_t spare)
{
    uint64_t high = TOP;
    for (size_t i = maps->count + 1; i-- > 0 && high > KERNELS;) {
        uint64_t end = i > 0 ? maps->list[i - 1].end : 0; /* below the lowest as well */
        uint64_t low = end > KERNELS ? end : KERNELS;
        bool is_top = high == TOP; /* above the stack there is nothing for us */
        if (i > 0 && maps->list[i - 1].start >= TOP)
            continue;
        if (!is_top && low < high && high - low >= size + 2 * spare)
            return (high - spare - size) & ~(PAGE - 1);
        high = i > 0 ? maps->list[i - 1].start : 0;
    }
    return 0;
}

uint64_t place_data(const struct maps *maps, uint64_t size)
{
    static const uint64_t spare[] = {UINT64_C(16) << 30, UINT64_C(1) << 30, UINT64_C(16) << 20};
    uint64_t at = 0;
    for (size_t i = 0; i < sizeof spare / sizeof *spare && at == 0; i++)
        at = in_gap(maps, size, spare[i]);
    return at;
}
