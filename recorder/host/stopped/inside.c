/* inside.c - who is in the recorder's code (inside.h): threads, the frames of signals on their stacks,
 * calls that have not returned; and contexts that nobody runs now, wherever they were saved.
 */
#include "inside.h"
#include "area/areas.h"
#include "code/detour.h"
#include "code/instruction.h"
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

/* The code that is at `pc`: the agent's, without its tables, or that of one stub. */
static bool code_around(struct host *h, const struct process *p, const struct code_area *area,
                        uint64_t pc, uint8_t bytes[AGENT_ROOM], struct code *code)
{
    uint64_t in = pc - area->stubs, from = area->address + sizeof(struct code_head);
    const struct code_head *head = (const struct code_head *)h->agent;
    size_t size = head->end - sizeof *head;
    if (pc >= area->stubs) {
        from = pc - in % STUB_SIZE + (in % STUB_SIZE >= STUB_TAIL ? STUB_TAIL : 0);
        size = STUB_ORIGIN;
    }
    *code = (struct code){from, bytes, tracee_read_some(&p->tracee, from, bytes, size)};
    return pc >= from && pc + 1 < from + code->length;
}

/* Whether an instruction begins there that may be executed: small numbers may look like addresses of
 * ours. Of a stub the padding may be a function's first instructions. */
static bool is_instruction(const struct code *code, uint64_t pc, bool is_stub)
{
    struct instruction i = {0};
    bool between = false; /* two functions of the agent */
    uint64_t at = code->address;
    if (memcmp(code->bytes + (pc - at), "\0", 2) == 0) /* nothing was written there */
        return false;
    while (at < pc && instruction_at(code, at, &i)) {
        at = instruction_end(&i);
        between = instruction_ends_line(&i) || (between && i.kind == PADDING);
    }
    if (at != pc)
        return at < pc; /* not to be told */
    return is_stub || !between || !instruction_at(code, pc, &i) || i.kind != PADDING;
}

/* What our own code leaves behind on stacks: where it returned to from its own functions, and where it
 * went on in a stub. No context leads there but one that was interrupted in one of these functions,
 * and that one has its own place beside it. */
static bool is_rubbish(const struct code_area *area, const struct code *code, uint64_t pc)
{
    int32_t distance;
    uint64_t in = pc - code->address;
    if (pc >= area->stubs && (pc - area->stubs) % STUB_SIZE == STUB_MOVED)
        return true;
    if (in < 5 || code->bytes[in - 5] != 0xe8)
        return false;
    memcpy(&distance, code->bytes + in - sizeof distance, sizeof distance);
    return areas_hold(area, pc + (uint64_t)(int64_t)distance);
}

/* The stub that the C library was handed as main, or that stood in a table of initialisers: it keeps the
 * address, and has called it. */
static bool is_handed_out(const struct process *p, uint64_t pc)
{
    uint64_t stub = 0;
    const struct hook *hook = hook_of_stub(p, pc, &stub);
    return hook != NULL && pc == stub && hook->moved == NULL && p->phase >= PHASE_MAIN;
}

static bool may_be_saved(struct host *h, const struct process *p, const struct code_area *area,
                         uint64_t pc)
{
    static uint8_t bytes[AGENT_ROOM];
    struct code code;
    return code_around(h, p, area, pc, bytes, &code) &&
           is_instruction(&code, pc, pc >= area->stubs) && !is_rubbish(area, &code, pc) &&
           !is_handed_out(p, pc);
}

/* What stood there before there was any code of ours is something else. */
static bool was_there(const struct process *p, const struct saved_word *word)
{
    return p->family->before != NULL && saved_has(p->family->before, word);
}

static void judge_saved(struct host *h, const struct process *p, const struct saved_word *word,
                        struct inside *inside)
{
    for (unsigned i = 0; i < MAX_AREAS; i++) {
        const struct code_area *area = &p->areas[i];
        if (!areas_hold(area, word->pc))
            continue;
        if (word->as == SAVED_AS_REGISTER || was_there(p, word))
            return;
        bool waits = word->pc == agent_address(h, area, AGENT_AFTER);
        inside->areas |= (unsigned)waits << i;
        inside->waiting += waits;
        inside->saved += !waits && (word->as == SAVED_AS_PC || may_be_saved(h, p, area, word->pc));
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
    inside->searched_ns = clock_now_ns() - begun;
    inside->unsearched = ranges == NULL || s->saved.gave_up;
    for (size_t i = 0; i < s->saved.count; i++)
        judge_saved(h, p, &s->saved.list[i], inside);
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
