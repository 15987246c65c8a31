/* inside.c - who is in the recorder's code (inside.h): threads, the frames of signals on their stacks,
 * calls that have not returned; and contexts that nobody runs now, wherever they were saved.
 */
#include "inside.h"
#include "area/areas.h"
#include "code/detour.h"
#include "code/instruction.h"
#include "context.h"
#include "standing.h"

#include <stdlib.h>
#include <string.h>

static const struct hook *hook_of_stub(const struct process *p, uint64_t pc, uint64_t *stub)
{
    const struct code_area *areas = p->areas;
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        uint64_t number = (pc - areas[i].stubs) / STUB_SIZE;
        if (areas[i].address == 0 || pc < areas[i].stubs || number >= p->family->hook_count)
            continue;
        *stub = areas[i].stubs + number * STUB_SIZE;
        return &p->family->hooks[number];
    }
    return NULL;
}

/* Where the original stands that `pc`, in a stub, stands for; 0: for no single instruction. */
static uint64_t original_of(const struct process *p, uint64_t pc)
{
    uint64_t stub;
    const struct hook *hook = hook_of_stub(p, pc, &stub);
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

static bool is_inside(const struct process *p, uint64_t pc)
{
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (areas_hold(&p->areas[i], pc))
            return true;
    return false;
}

static uint64_t patch_of_hop(const struct process *p, uint64_t pc)
{
    for (uint32_t i = 0; i < p->family->hook_count; i++)
        if (p->family->hooks[i].hop != 0 && p->family->hooks[i].hop == pc &&
            p->family->hooks[i].moved != NULL)
            return p->family->hooks[i].moved->patch;
    return 0;
}

/* Whether it is out of our code now. `last`: it will not run on by itself. */
static bool is_out(struct process *p, struct standing *s, struct place *place, bool last)
{
    const struct tracee *t = &p->tracee;
    uint64_t original = patch_of_hop(p, place->pc);
    if (original == 0 && !is_inside(p, place->pc))
        return true;
    enum proof proof = standing_proof(s, place);
    if (proof != PROOF_ALIVE)
        return proof == PROOF_DEAD;
    if (original == 0)
        original = original_of(p, place->pc);
    if (original == 0 || (is_behind_syscall(t, original) && !standing_waits(place) && !last))
        return false;
    return standing_move(t, place, original);
}

/* ---- contexts that nobody runs now ---- */

#define SMALL (UINT64_C(1) << 32) /* numbers below are often something else than an address */

/* Where instructions of the agent begin that may be executed: no padding between two functions. Known once:
 * it is the same everywhere, and many words may lead there. */
static const bool *agent_begins(const struct host *h, struct code *agent)
{
    static bool begins[AGENT_ROOM];
    static uint64_t known; /* up to there */
    const struct code_head *head = (const void *)h->agent;
    struct instruction i;
    bool between = false;
    *agent = (struct code){0, (const uint8_t *)h->agent, head->end};
    if (known == 0) {
        for (known = sizeof *head; instruction_at(agent, known, &i); known = instruction_end(&i)) {
            between = between && i.kind == PADDING;
            begins[known] = !between;
            between |= instruction_ends_line(&i);
        }
        must(known == head->end, "the agent's code can be read to its end");
    }
    return begins;
}

/* What our own code leaves behind on stacks: where it returned to from its own functions, and where it
 * went on in a stub. No context leads there but one that was interrupted in one of these functions,
 * and that one has its own place beside it. */
static bool is_left_behind(const struct code_area *area, const struct code *code, uint64_t pc)
{
    uint64_t in = pc - code->address;
    int32_t distance;
    if (in < 5 || code->bytes[in - 5] != 0xe8)
        return false;
    memcpy(&distance, code->bytes + in - sizeof distance, sizeof distance);
    return areas_hold(area, pc + (uint64_t)(int64_t)distance);
}

static bool may_be_in_agent(const struct host *h, const struct standing *s,
                            const struct code_area *area, const struct saved_word *word,
                            unsigned *left)
{
    struct code agent;
    const bool *begins = agent_begins(h, &agent);
    uint64_t in = word->pc - area->address;
    agent.address = area->address;
    if (in >= agent.length || !begins[in] || is_left_behind(area, &agent, word->pc))
        return false;
    return word->pc >= SMALL || word->pc >= agent_address(h, area, AGENT_BEHIND) ||
           context_is_near(&s->p->tracee, &s->maps, &agent, word->at, left);
}

/* Small numbers may look like addresses of ours: an instruction begins there. Padding may be a function's
 * first instruction. */
static bool may_be_in_stub(const struct process *p, const struct code_area *area, uint64_t pc)
{
    uint8_t bytes[STUB_SIZE];
    struct instruction i;
    uint64_t in = (pc - area->stubs) % STUB_SIZE, at = in >= STUB_TAIL ? STUB_TAIL : 0;
    struct code code = {pc - in + at, bytes, 0};
    code.length = tracee_read_some(&p->tracee, code.address, bytes, STUB_ORIGIN);
    if (in - at + 1 >= code.length || memcmp(bytes + in - at, "\0", 2) == 0)
        return false; /* nothing was written there */
    if (in == STUB_MOVED || is_left_behind(area, &code, pc))
        return false;
    for (at = code.address; at < pc && instruction_at(&code, at, &i);)
        at = instruction_end(&i);
    return at <= pc; /* where it ends before, that cannot be told */
}

/* The stub that the C library was handed as main, or that stood in a table of initialisers: it keeps the
 * address, and has called it. */
static bool is_handed_out(const struct process *p, uint64_t pc)
{
    uint64_t stub = 0;
    const struct hook *hook = hook_of_stub(p, pc, &stub);
    return hook != NULL && pc == stub && hook->moved == NULL && p->phase >= PHASE_MAIN;
}

/* What stood there before there was any code of ours is something else. */
static bool was_there(const struct process *p, const struct saved_word *word)
{
    return p->family->before != NULL && saved_has(p->family->before, word);
}

static bool may_be_saved(const struct host *h, const struct standing *s,
                         const struct code_area *area, const struct saved_word *word,
                         unsigned *left)
{
    if (word->pc < area->stubs)
        return may_be_in_agent(h, s, area, word, left);
    return may_be_in_stub(s->p, area, word->pc) && !is_handed_out(s->p, word->pc);
}

static void judge_saved(struct host *h, const struct standing *s, const struct saved_word *word,
                        unsigned *left, struct inside *inside)
{
    const struct process *p = s->p;
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        const struct code_area *area = &p->areas[i];
        if (!areas_hold(area, word->pc))
            continue;
        if (word->as == SAVED_AS_REGISTER || was_there(p, word))
            return;
        bool waits = word->pc == agent_address(h, area, AGENT_AFTER);
        inside->areas |= (unsigned)waits << i;
        inside->waiting += waits;
        inside->saved +=
            !waits && (word->as == SAVED_AS_PC || may_be_saved(h, s, area, word, left));
        return;
    }
    inside->saved++; /* a jump in padding */
}

static void look_for_saved(struct host *h, struct process *p, struct standing *s,
                           const struct threads *threads, struct inside *inside)
{
    struct range *ranges = calloc(MAX_AREAS + p->family->hook_count, sizeof *ranges);
    size_t count = 0;
    for (unsigned i = 0; ranges != NULL && i < MAX_AREAS; i++)
        if (p->areas[i].address)
            ranges[count++] = (struct range){
                p->areas[i].address, stub_address(&p->areas[i], p->family->hook_count), false};
    for (uint32_t i = 0; ranges != NULL && i < p->family->hook_count; i++)
        if (p->family->hooks[i].moved != NULL && p->family->hooks[i].hop != 0)
            ranges[count++] =
                (struct range){p->family->hooks[i].hop, p->family->hooks[i].hop + 1, false};
    uint64_t begun = clock_now_ns();
    if (ranges != NULL)
        standing_find_saved(s, threads, ranges, count);
    inside->unsearched = ranges == NULL || s->saved.gave_up;
    unsigned left = CONTEXT_MOST;
    for (size_t i = 0; i < s->saved.count; i++)
        judge_saved(h, s, &s->saved.list[i], &left, inside);
    inside->searched_ns = clock_now_ns() - begun;
    free(ranges);
}

_Static_assert(STANDING_WORDS == MAX_AREAS, "a return address a code area");

struct inside inside_look(struct host *h, struct process *p, const struct threads *threads,
                          bool last)
{
    uint64_t after[STANDING_WORDS] = {0};
    struct standing s;
    struct inside inside = {0};
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (p->areas[i].address)
            after[i] = agent_address(h, &p->areas[i], AGENT_AFTER);
    standing_find(&s, h, p, threads, after);
    for (size_t i = 0; i < s.count; i++)
        inside.standing += !is_out(p, &s, &s.list[i], last);
    inside.standing += s.failed;
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        inside.returning += s.found[i];
        inside.areas |= (s.found[i] > 0) << i;
    }
    if (inside.standing == 0 && (inside.returning == 0 || last))
        look_for_saved(h, p, &s, threads, &inside);
    standing_free(&s);
    return inside;
}
