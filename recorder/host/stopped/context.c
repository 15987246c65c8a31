/* context.c - see context.h. Whoever saves a context saves the stack pointer as well, and near: registers are
 * stored together.
 */
#include "context.h"

#define NEAR 128u /* words on each side: ucontext_t has 121 */
#define DEEP 128u /* words: no frame of the agent's is larger (a small alternate stack must do) */

/* Whether a direct call stands before it. */
static bool is_return(const struct code *code, uint64_t word)
{
    uint64_t in = word - code->address;
    return in >= 5 && in < code->length && code->bytes[in - 5] == 0xe8;
}

/* One more may be looked at. */
static bool takes(unsigned *left, unsigned count)
{
    bool may = *left >= count;
    *left -= may ? count : *left;
    return may;
}

static bool is_our_stack(const struct tracee *t, const struct maps *maps, const struct code *code,
                         uint64_t sp, unsigned *left)
{
    uint64_t words[DEEP];
    const struct mapping *m = sp % 8 == 0 ? maps_at(maps, sp) : NULL;
    if (m == NULL || !m->readable || !m->writable)
        return false;
    if (!takes(left, CONTEXT_STACK))
        return true;
    size_t count = tracee_read_some(t, sp, words, sizeof words) / sizeof *words;
    for (size_t i = 0; i < count; i++)
        if (is_return(code, words[i]))
            return true;
    return false;
}

bool context_is_near(const struct tracee *t, const struct maps *maps, const struct code *code,
                     uint64_t at, unsigned *left)
{
    uint64_t words[2 * NEAR + 1];
    const struct mapping *m = maps_at(maps, at);
    if (m == NULL || *left == 0)
        return true;
    uint64_t from = at - m->start < NEAR * 8 ? m->start + at % 8 : at - NEAR * 8;
    size_t count = tracee_read_some(t, from, words, sizeof words) / sizeof *words;
    if (!takes(left, CONTEXT_STACK + (unsigned)count))
        return true;
    for (size_t i = 0; i < count; i++)
        if (is_our_stack(t, maps, code, words[i], left))
            return true;
    return false;
}
