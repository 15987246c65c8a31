/* standing.c - where the threads of a stopped process will go on (standing.h). */
#include "standing.h"
#include "base/grow.h"
#include "code/detour.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#define PIECE 65536u
#define MOST_STACK (UINT64_C(64) << 20) /* bytes of one stack that are looked at */
#define MOST_STACKS 8                   /* of one thread: its handlers may have their own */

static void add(struct standing *s, pid_t tid, uint64_t slot, uint64_t pc)
{
    struct place *list = with_room_for_one(s->list, s->count, &s->room, 64, sizeof *list);
    s->failed |= list == NULL;
    if (list == NULL)
        return;
    s->list = list;
    s->list[s->count++] = (struct place){tid, slot, pc};
}

/* ---- one stack ---- */

struct looking {
    struct standing *s;
    const struct tracee *t;
    const struct maps *maps;
    pid_t tid;
    uint64_t next[MOST_STACKS]; /* its stack pointer, and those of what handlers interrupted */
    unsigned next_count;
};

/* Where the part of that stack begins that is looked at anyway. */
static uint64_t end_of_new(const struct looking *l, unsigned count, uint64_t sp)
{
    const struct mapping *m = maps_at(l->maps, sp);
    uint64_t end = m == NULL || !m->readable ? 0 : m->end;
    for (unsigned i = 0; i < count; i++)
        if (maps_at(l->maps, l->next[i]) == m && l->next[i] < end)
            end = l->next[i];
    return end;
}

static void look_there_too(struct looking *l, uint64_t sp)
{
    if (l->next_count < MOST_STACKS && sp < end_of_new(l, l->next_count, sp))
        l->next[l->next_count++] = sp;
}

static void look_at_word(struct looking *l, uint64_t at, const uint64_t *word, size_t before)
{
    for (unsigned i = 0; l->s->words != NULL && i < STANDING_WORDS; i++)
        l->s->found[i] += *word != 0 && *word == l->s->words[i];
    if (*word != SELECTORS || before < RSP_BEFORE)
        return;
    add(l->s, l->tid, at - RIP_BEFORE * 8, word[-RIP_BEFORE]);
    look_there_too(l, word[-RSP_BEFORE]);
}

/* Pieces overlap by a few words, so that a signal's frame is seen whole. */
static void look_at_stack(struct looking *l, uint64_t from, uint64_t end)
{
    static uint64_t words[PIECE / 8 + RSP_BEFORE];
    size_t kept = 0;
    memset(words, 0, sizeof words);
    while (from < end) {
        size_t size = end - from < PIECE ? end - from : PIECE;
        size_t got = tracee_read_some(l->t, from, words + kept, size) / 8;
        for (size_t i = kept; i < kept + got; i++)
            look_at_word(l, from + (i - kept) * 8, &words[i], i);
        if (got * 8 < size)
            return;
        memcpy(words, words + kept + got - RSP_BEFORE, RSP_BEFORE * 8);
        kept = RSP_BEFORE;
        from += size;
    }
}

static void look_at_stacks(struct looking *l, uint64_t sp)
{
    look_there_too(l, sp);
    for (unsigned i = 0; i < l->next_count; i++) {
        uint64_t from = l->next[i] & ~UINT64_C(7), end = end_of_new(l, i, from);
        look_at_stack(l, from, end - from < MOST_STACK ? end : from + MOST_STACK);
    }
}

void standing_find(struct standing *s, const struct host *h, const struct process *p,
                   const struct threads *threads, const uint64_t *words)
{
    const struct tracee *t = &p->tracee;
    *s = (struct standing){.words = words, .h = h, .p = p};
    s->failed = !maps_read(&s->maps, t->pid);
    for (size_t i = 0; i < threads->count; i++) {
        struct looking l = {.s = s, .t = t, .maps = &s->maps, .tid = threads->list[i].tid};
        struct user_regs_struct regs;
        if (ptrace(PTRACE_GETREGS, l.tid, 0, &regs) != 0)
            continue;
        add(s, l.tid, 0, regs.rip);
        if (!s->failed)
            look_at_stacks(&l, regs.rsp);
    }
}

/* NULL: no memory. */
static struct chains *chains_of(struct standing *s)
{
    if (s->chains == NULL)
        s->chains = chains_begin(s->h, s->p, &s->maps);
    return s->chains;
}

static bool is_a_place(const struct standing *s, uint64_t slot)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->list[i].slot == slot)
            return true;
    return false;
}

void standing_find_saved(struct standing *s, const struct threads *threads, struct range *ranges,
                         size_t count)
{
    struct saved *saved = &s->saved;
    size_t kept = 0;
    saved_find(saved, s->p, chains_of(s), &s->maps, threads, ranges, count);
    for (size_t i = 0; i < saved->count; i++)
        if (!is_a_place(s, saved->list[i].at))
            saved->list[kept++] = saved->list[i];
    saved->count = kept;
}

void standing_free(struct standing *s)
{
    saved_free(&s->saved);
    chains_free(s->chains);
    maps_free(&s->maps);
    free(s->list);
    *s = (struct standing){0};
}

enum proof standing_proof(struct standing *s, const struct place *place)
{
    if (place->slot == 0)
        return PROOF_ALIVE;
    return chains_of(s) ? chains_prove(s->chains, place->tid, place->slot) : PROOF_NONE;
}

/* ---- moving ---- */

bool standing_move(const struct tracee *t, struct place *place, uint64_t pc)
{
    struct user_regs_struct regs;
    place->pc = pc;
    if (place->slot != 0)
        return tracee_write(t, place->slot, &pc, sizeof pc);
    if (ptrace(PTRACE_GETREGS, place->tid, 0, &regs) != 0)
        return false;
    regs.rip = pc;
    return ptrace(PTRACE_SETREGS, place->tid, 0, &regs) == 0;
}

/* linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK */
bool standing_waits(const struct place *place)
{
    struct user_regs_struct regs;
    if (place->slot != 0 || ptrace(PTRACE_GETREGS, place->tid, 0, &regs) != 0 ||
        (int64_t)regs.orig_rax < 0)
        return false;
    int64_t result = -(int64_t)regs.rax;
    return (result >= 512 && result <= 514) || result == 516;
}

/* A system call that begins again is the two bytes before the pc. */
static bool is_in(const struct tracee *t, const struct place *place, uint64_t patch,
                  unsigned length)
{
    uint64_t in = place->pc - patch;
    unsigned char before[2];
    if (in == 0 || in >= length + sizeof before)
        return false;
    return in < length || (tracee_read(t, place->pc - sizeof before, before, sizeof before) &&
                           memcmp(before, "\x0f\x05", sizeof before) == 0);
}

static bool can_step_aside(struct standing *s, const struct place *place, const struct moved *moved)
{
    enum proof proof = standing_proof(s, place);
    return proof == PROOF_DEAD || (proof == PROOF_ALIVE && moved_into_copy(moved, place->pc) != 0);
}

static bool step_aside(struct standing *s, struct place *place, const struct moved *moved)
{
    return standing_proof(s, place) == PROOF_DEAD ||
           standing_move(&s->p->tracee, place, moved_into_copy(moved, place->pc));
}

bool standing_step_aside(struct standing *s, const struct moved *moved, unsigned length)
{
    const struct tracee *t = &s->p->tracee;
    if (s->failed || saved_leads_into(&s->saved, moved->patch + 1, moved->patch + length))
        return false;
    /* All or nobody: whoever stands in a copy that nothing leads into is lost to us. */
    for (size_t i = 0; i < s->count; i++)
        if (is_in(t, &s->list[i], moved->patch, length) && !can_step_aside(s, &s->list[i], moved))
            return false;
    for (size_t i = 0; i < s->count; i++)
        if (is_in(t, &s->list[i], moved->patch, length) && !step_aside(s, &s->list[i], moved))
            return false;
    return true;
}
