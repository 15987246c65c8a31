/* rows/heaptrack.c - heaptrack's lines of allocations and their ends: exports/heaptrack.py. Strings,
 * places and stacks are Python's.
 */
#include "lifetimes.h"
#include "modes.h"
#include "out.h"

#include <errno.h>
#include <stdlib.h>

#include "table.h"

enum { LINE = 3 * OUT_NUMBER };
#define MS 1000000u

/* Lines that come at some time, what was resident then: Python's. */
struct border {
    uint64_t t_ns;
    struct text line;
};

static uint32_t *stack_of;   /* by group: its number there, from 1; 0: not known */
static struct table numbers; /* size, stack and whether it is a twin -> number of its `a` */
static uint64_t count = 1, known = 1; /* number 0 is Python's */
static uint64_t newest;               /* as its reader has it: `+` sets it, `-` makes it 0 */
static uint64_t next_ns = MS;         /* when the next millisecond begins */
static struct border *borders;
static uint64_t borders_known, borders_said;
static __int128 live, peak;
static int is_resized;

static void line(char letter, uint64_t number)
{
    uint8_t *at = out_room(LINE);
    *at++ = (uint8_t)letter;
    *at++ = ' ';
    at = put_hex(at, number);
    *at++ = '\n';
    out_end(at);
}

static uint64_t number_of(uint64_t size, uint64_t stack, int is_twin)
{
    uint64_t key = stack << 1 | (unsigned)is_twin, found = table_get(&numbers, size, key);
    if (found != TABLE_NONE)
        return found;
    if (known >= ROWS_MOST_KNOWN) {
        known = 0;
        table_clear(&numbers); /* the same kind may have several numbers */
    }
    *table_at(&numbers, size, key) = count;
    known++;
    uint8_t *at = out_room(LINE);
    at = put_hex(put_bytes(at, "a ", 2), size);
    *at++ = ' ';
    at = put_hex(at, stack);
    *at++ = '\n';
    out_end(at);
    return count++;
}

static void end_one(uint64_t stack, uint64_t size, int is_temporary)
{
    uint64_t number = number_of(size, stack, 0);
    /* Another block of the kind, or realloc: a second number for the same is not mistaken. */
    if (number == newest && !is_temporary)
        number = number_of(size, stack, 1);
    line('-', number);
    if (is_temporary && number != newest)
        out_bytes("- 0\n", 4); /* behind a `-` this counts one temporary, and nothing else */
    newest = 0;
}

static void begin_one(uint64_t stack, uint64_t size)
{
    newest = number_of(size, stack, 0);
    line('+', newest);
    peak = live > peak ? live : peak;
}

static void tick(uint64_t t_ns)
{
    for (; borders_said < borders_known && borders[borders_said].t_ns <= t_ns; borders_said++)
        out_bytes(borders[borders_said].line.bytes, borders[borders_said].line.length);
    line('c', t_ns / MS);
    next_ns = (t_ns / MS + 1) * MS;
}

static void take(const struct happened *what)
{
    if (what->t_ns >= next_ns)
        tick(what->t_ns);
    uint64_t stack = stack_of[what->group];
    switch (what->what) {
    case ALLOCATED:
        live += what->size;
        begin_one(stack, what->size);
        return;
    case RESIZED:
        is_resized = 1;
        live += (__int128)what->size - what->born;
        end_one(stack, what->born, 0);
        begin_one(stack, what->size);
        return;
    default:
        live -= what->size;
        end_one(stack, what->size, what->what == TEMPORARY);
    }
}

static void begin(struct cursor *told)
{
    lifetimes_begin(told, take);
    stack_of = must_have(groups + 1, sizeof *stack_of);
    borders_known = take_number(told);
    if (borders_known > ROWS_LONGEST)
        wire_failed(EPROTO);
    borders = must_have(borders_known, sizeof *borders);
    for (uint64_t i = 0; i < borders_known; i++) {
        borders[i].t_ns = take_number(told);
        borders[i].line = take_kept(told);
    }
}

/* The stacks of all groups of which blocks may begin here. */
static void learn(const struct events *now)
{
    static uint64_t asked[ROWS_CHUNK];
    uint32_t number = 0;
    for (uint32_t row = 0; row < now->count; row++) {
        uint64_t group = now->column[GROUP][row];
        if (!stack_of[group] && lifetimes_allocates(group)) {
            stack_of[group] = UINT32_MAX; /* asked for */
            asked[number++] = group;
        }
    }
    if (!number)
        return;
    wire_say(ROWS_ASK, asked, number * sizeof *asked);
    struct cursor answer = wire_take(ROWS_ANSWER);
    for (uint32_t i = 0; i < number; i++)
        stack_of[asked[i]] = (uint32_t)take_number(&answer);
}

static void chunk(const struct events *now, const struct events *before)
{
    learn(now);
    lifetimes_chunk(now, before);
}

static void finish(void)
{
    lifetimes_finish();
    const __int128 result[] = {peak, is_resized, borders_said};
    wire_say(ROWS_RESULT, result, sizeof result);
}

const struct mode mode_heaptrack = {
    .name = "heaptrack",
    .columns = LIFETIMES,
    .begin = begin,
    .chunk = chunk,
    .finish = finish,
};
