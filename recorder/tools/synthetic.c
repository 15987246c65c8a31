/* synthetic.c - addresses, sizes and times as a real loop has them. */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEPTH = 31, PID = 4242, MALLOC_HOOK = 1, FREE_HOOK = 2, FIRST_NODE = 100 };
enum { REMEMBERED = 9000, DEEPEST = 4096 }; /* nodes of an agent; frames of a stack */
static const uint64_t code = 0x401000, libc = 0x7f0000001000, top = 0x7ffe00000000;
static const uint64_t heap = 0x555500000000;

static uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static void tell(struct history *h, const char *json)
{
    history_info(h, json, strlen(json));
}

static void begin(struct history *h)
{
    tell(h, "{\"type\":\"run\",\"pid\":4242,\"engine\":\"recorder\",\"started_ns\":0}");
    tell(h, "{\"type\":\"image\",\"index\":0,\"path\":\"/made/up\",\"entry\":4198400,\"t_ns\":0}");
    tell(h, "{\"type\":\"hook\",\"id\":1,\"module\":1,\"name\":\"malloc\",\"address\":1}");
    tell(h, "{\"type\":\"hook\",\"id\":2,\"module\":1,\"name\":\"free\",\"address\":2}");
    tell(h, "{\"type\":\"phase\",\"phase\":\"main\",\"t_ns\":0,\"how\":\"made up\"}");
    history_start(h, PID, 0);
    history_hook(h, MALLOC_HOOK, "malloc", "malloc");
    history_hook(h, FREE_HOOK, "free", "free");
    history_phase(h, PID, 2, HISTORY_UNKNOWN);
}

/* Stack `index` differs from the others in its inner half; the calls get the innermost nodes. */
static void make_stack(struct history *h, uint32_t index)
{
    int32_t parent = 0;
    uint32_t first = FIRST_NODE + index * (DEPTH + 2);
    for (uint32_t depth = 0; depth < DEPTH; depth++) {
        uint64_t pc = code + depth * 256 + (depth < DEPTH / 2 ? 0 : 16 * (uint64_t)index + 4096);
        history_node(h, PID, PID, first + depth, parent, pc, top - 64 * depth);
        parent = (int32_t)(first + depth);
    }
    for (uint32_t hook = MALLOC_HOOK; hook <= FREE_HOOK; hook++)
        history_node(h, PID, PID, first + DEPTH + hook - 1, parent, libc + hook, top - 64 * DEPTH);
}

struct run {
    struct history *h;
    const struct synthetic *options;
    uint64_t random, now;
    uint64_t *blocks;
    uint32_t count;
    uint32_t chain[DEEPEST], depth,
        numbers; /* the nodes of the present stack; how many were given */
};

/* Another way down: half the stack goes, and as much comes, which was never there before. The nodes
 * are numbered from the outermost inwards, downwards, as an agent does. */
static uint32_t new_way(struct run *run, uint64_t noise)
{
    uint32_t most = run->options->ways < DEEPEST ? run->options->ways : DEEPEST;
    uint32_t depth = most / 2 + (uint32_t)(noise >> 40) % (most / 2 + 1);
    if (depth <= run->depth / 2)
        depth = run->depth / 2 + 1;
    run->depth /= 2;
    if (run->numbers + 2 + depth > REMEMBERED)
        run->depth = run->numbers = 0;
    uint32_t number = run->numbers + depth - run->depth;
    run->numbers = number;
    while (run->depth < depth) {
        int32_t parent = run->depth ? (int32_t)run->chain[run->depth - 1] : 0;
        uint64_t pc = code + run->depth * 256 + (chance(&run->random) & 7) * 16;
        history_node(run->h, PID, PID, number, parent, pc, top - 64 * run->depth);
        run->chain[run->depth++] = number--;
    }
    return run->chain[depth - 1];
}

static void call(struct run *run, uint32_t hook, uint64_t argument, uint64_t result)
{
    struct history_call told = {.pid = PID, .tid = PID, .hook = hook, .sp = top - 64 * DEPTH};
    uint64_t noise = chance(&run->random);
    uint32_t stack = run->options->stacks > 2 ? (uint32_t)(noise >> 32) % run->options->stacks : 0;
    told.node = (int32_t)(FIRST_NODE + stack * (DEPTH + 2) + DEPTH + hook - 1);
    if (run->options->ways)
        told.node = (int32_t)new_way(run, noise);
    told.args[0] = argument;
    told.result = result;
    told.t = run->now += 40 + (noise & 15);
    told.end = run->now += 12 + (noise >> 8 & 7);
    if (run->options->together) {
        history_call(run->h, &told);
        return;
    }
    history_enter(run->h, told.t, PID, PID, hook, told.sp, told.args, told.node);
    history_leave(run->h, told.end, PID, PID, hook, told.sp, result);
}

static void one_event(struct run *run)
{
    uint64_t noise = chance(&run->random);
    if (run->count && run->count > run->options->live) {
        uint32_t at = (uint32_t)(noise >> 32) % run->count;
        call(run, FREE_HOOK, run->blocks[at], 0);
        run->blocks[at] = run->blocks[--run->count];
        return;
    }
    uint64_t size = run->options->live ? 16 + (noise & 1023) : 24;
    uint64_t address = heap + 16 * (run->options->live ? noise >> 36 : 1);
    call(run, MALLOC_HOOK, size, address);
    run->blocks[run->count++] = address;
}

static double cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void synthesise(struct history *h, const struct synthetic *options)
{
    struct run run = {.h = h, .options = options, .random = 88172645463325252u};
    run.blocks = calloc(options->live + 2, sizeof *run.blocks);
    if (!run.blocks)
        return;
    begin(h);
    for (uint32_t index = 0; index < options->stacks; index++)
        make_stack(h, index);
    double before = cpu();
    for (uint64_t event = 0; event < options->events; event++)
        one_event(&run);
    history_flush(h);
    fprintf(stderr, "%llu events: %.1f ns of CPU an event\n", (unsigned long long)options->events,
            (cpu() - before) / (double)options->events);
    free(run.blocks);
}
