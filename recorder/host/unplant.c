/* unplant.c - the code out of a running process again, which goes on as if it had never been there.
 *
 * First every byte of its code is as it was; from then on no call begins in the agent. Threads that
 * still are inside, or will return to it, run on for some milliseconds, and are looked at again.
 * When nobody is, the areas go.
 */
#include "attach.h"
#include "detour.h"
#include "image.h"
#include "inject.h"
#include "overwritten.h"
#include "standing.h"

#include <string.h>
#include <unistd.h>

#define ROUNDS 60
#define LONGEST_REST_US 50000

/* ---- code as it was ---- */

/* The bytes at `at` are put back if they are what we wrote; a library may be gone by now. */
static void put_back(const struct tracee *t, uint64_t at, const uint8_t *ours,
                     const uint8_t *original, size_t length)
{
    uint8_t there[JUMP_BYTES];
    if (tracee_read(t, at, there, length) && memcmp(there, ours, length) == 0)
        tracee_write(t, at, original, length);
}

static void restore(struct host *h, uint32_t number)
{
    static const uint8_t padding[JUMP_BYTES] = {0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
    const struct hook *hook = &h->family->hooks[number];
    const struct tracee *t = &h->process->tracee;
    uint64_t patch = hook->moved->patch;
    struct moved from = {.patch = hook->hop ? hook->hop : patch};
    struct code_area *area = area_near(h, patch);
    uint8_t jump[JUMP_BYTES];
    if (area == NULL || !detour_jump(&from, stub_address(area, number), jump))
        return;
    if (!hook->hop) {
        put_back(t, patch, jump, hook->original, JUMP_BYTES);
        return;
    }
    const uint8_t hop[SHORT_JUMP_BYTES] = {0xeb, (uint8_t)(hook->hop - patch - SHORT_JUMP_BYTES)};
    put_back(t, patch, hop, hook->original, sizeof hop);
    put_back(t, hook->hop, jump, padding, sizeof padding);
}

static void restore_all(struct host *h)
{
    for (uint32_t i = 0; i < h->family->hook_count; i++)
        if (h->family->hooks[i].moved != NULL)
            restore(h, i);
}

/* ---- who is inside ---- */

static const struct hook *hook_of_stub(struct host *h, uint64_t pc, uint64_t *stub)
{
    const struct code_area *areas = h->process->areas;
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        uint64_t number = (pc - areas[i].stubs) / STUB_SIZE;
        if (areas[i].address == 0 || pc < areas[i].stubs || number >= h->family->hook_count)
            continue;
        *stub = areas[i].stubs + number * STUB_SIZE;
        return &h->family->hooks[number];
    }
    return NULL;
}

/* Where the original stands that `pc`, in a stub, stands for; 0: for no single instruction. */
static uint64_t original_of(struct host *h, uint64_t pc)
{
    uint64_t stub;
    const struct hook *hook = hook_of_stub(h, pc, &stub);
    if (hook == NULL || hook->moved == NULL)
        return 0;
    const struct moved *moved = hook->moved;
    if (pc == stub)
        return moved->patch;
    for (unsigned n = 0; n < moved->count; n++)
        if (pc == moved->copy + moved->steps[n].to)
            return moved->patch + moved->steps[n].from;
    return 0;
}

/* Behind a system call that has been made the agent is to see its result. */
static bool is_behind_syscall(const struct tracee *t, uint64_t original)
{
    unsigned char before[2];
    return tracee_read(t, original - 2, before, 2) && memcmp(before, "\x0f\x05", 2) == 0;
}

static bool is_inside(const struct host *h, uint64_t pc)
{
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (areas_hold(&h->process->areas[i], pc))
            return true;
    return false;
}

static uint64_t patch_of_hop(const struct host *h, uint64_t pc)
{
    for (uint32_t i = 0; i < h->family->hook_count; i++)
        if (h->family->hooks[i].hop != 0 && h->family->hooks[i].hop == pc &&
            h->family->hooks[i].moved != NULL)
            return h->family->hooks[i].moved->patch;
    return 0;
}

/* Whether it is out of our code now. `last`: it will not run on by itself. */
static bool is_out(struct host *h, struct standing *s, struct place *place, bool last)
{
    const struct tracee *t = &h->process->tracee;
    uint64_t original = patch_of_hop(h, place->pc);
    if (original == 0 && !is_inside(h, place->pc))
        return true;
    enum proof proof = standing_proof(s, place);
    if (proof != PROOF_ALIVE)
        return proof == PROOF_DEAD;
    if (original == 0)
        original = original_of(h, place->pc);
    if (original == 0 || (is_behind_syscall(t, original) && !standing_waits(place) && !last))
        return false;
    return standing_move(t, place, original);
}

_Static_assert(STANDING_WORDS == MAX_AREAS, "a return address a code area");

struct inside {
    size_t standing, returning; /* threads, or signals' frames; return addresses */
    unsigned areas;             /* bit set: of that code area */
};

static struct inside look(struct host *h, const struct threads *threads, bool last)
{
    uint64_t after[STANDING_WORDS] = {0};
    struct standing s;
    struct inside inside = {0};
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (h->process->areas[i].address)
            after[i] = agent_address(h, &h->process->areas[i], AGENT_AFTER);
    standing_find(&s, h, threads, after);
    for (size_t i = 0; i < s.count; i++)
        inside.standing += !is_out(h, &s, &s.list[i], last);
    inside.standing += s.failed;
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        inside.returning += s.found[i];
        inside.areas |= (s.found[i] > 0) << i;
    }
    standing_free(&s);
    return inside;
}

/* ---- the end ---- */

static void only_pass_through(struct host *h, const char *why)
{
    h->family->area->recording = 0;
    h->family->area->host = HOST_GONE;
    say_note(h, "the recorder's code stays in process %d, and does nothing any more: %s",
             (int)h->process->tracee.pid, why);
}

static void take_away(struct host *h, const struct threads *threads, struct inside inside)
{
    struct tracee *t = &h->process->tracee;
    t->runner = threads_runner(threads);
    if (inside.standing > 0)
        only_pass_through(h, "a thread stands in it");
    else if (!inject_prepare(t) || !areas_take_away(h, inside.areas))
        only_pass_through(h, "the memory could not be unmapped");
    else if (inside.returning > 0)
        say_note(h,
                 "calls of an allocator that have not returned in process %d: %zu; a page of code "
                 "stays that they return through",
                 (int)t->pid, inside.returning);
    t->runner = 0;
}

/* Run on, and be looked at again; answers are given meanwhile. */
static bool run_on(struct host *h, struct threads *threads, unsigned round, uint64_t *begun)
{
    struct process *p = h->process;
    unsigned rest = 500u << (round < 8 ? round : 8);
    p->tracee.attached = false;
    threads_run(threads);
    image_stood(h, *begun);
    for (unsigned us = 0; us < rest && us < LONGEST_REST_US; us += 500) {
        host_turn(h);
        serve(h, p);
        usleep(500);
    }
    *begun = clock_now_ns();
    bool stopped = threads_stop(threads, p->tracee.pid);
    p->tracee.attached = stopped;
    return stopped;
}

void unplant(struct host *h)
{
    struct process *p = h->process;
    struct threads threads = {0};
    if (p->areas[0].address == 0)
        return;
    if (p->phase < PHASE_MAIN) {
        only_pass_through(h, "it has only just started");
        return;
    }
    uint64_t begun;
    if (!attach_stop(h, &threads, &begun)) {
        only_pass_through(h, threads.problem);
        return;
    }
    overwritten_at_end(h);
    restore_all(h);
    bool last = !threads_can_run(&threads), stopped = true;
    struct inside inside = look(h, &threads, last);
    for (unsigned round = 0; !last && (inside.standing || inside.returning); round++) {
        stopped = run_on(h, &threads, round, &begun);
        if (!stopped)
            break;
        last = round == ROUNDS || !threads_can_run(&threads);
        p->tracee.runner = threads_runner(&threads);
        inside = look(h, &threads, last);
    }
    if (stopped)
        take_away(h, &threads, inside);
    else if (threads.culprit != p->tracee.pid)
        only_pass_through(h, threads.problem);
    attach_go_on(h, &threads, begun);
}
