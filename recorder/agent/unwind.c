/* unwind.c - what is rare in unwinding: rows that are looked up for the first time, signal frames,
 * odd rows. The step itself is in unwind_step.h; unwind.h is the manual. */
#include "unwind_step.h"

/* ---- looking a return address up ------------------------------------------------------------ */

static const struct unwind_module *module_at(const struct unwind_tables *tables, uint64_t pc)
{
    uint32_t low = 0, high = tables->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tables->modules[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    const struct unwind_module *found = &tables->modules[low - 1];
    return low && pc < found->end ? found : 0;
}

/* The number of rows that begin at or before `pc`. */
static uint32_t rows_upto(const uint32_t *pcs, uint32_t count, uint32_t pc)
{
    const uint32_t *first = pcs;
    while (count) {
        uint32_t half = count / 2;
        if (first[half] <= pc) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first - pcs;
}

/* e8 rel32, or ff /2 in any of its lengths, ends at `ret` (Intel SDM volume 2, "CALL"). */
static int is_behind_call(const struct unwind_module *module, uint64_t ret)
{
    uint64_t room = ret - module->start;
    if (room >= 5 && UNWIND_BYTE(ret - 5) == 0xe8)
        return 1;
    for (unsigned size = 2; size <= 7 && size <= room; size++)
        if (UNWIND_BYTE(ret - size) == 0xff && (UNWIND_BYTE(ret - size + 1) >> 3 & 7) == 2)
            return 1;
    return 0;
}

/* mov $15, %rax; syscall: what a signal handler returns to (rt_sigreturn). */
static int is_restorer(const struct unwind_module *module, uint64_t ret)
{
    static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
    if (ret >= module->end || module->end - ret < sizeof code)
        return 0;
    for (unsigned i = 0; i < sizeof code; i++)
        if (UNWIND_BYTE(ret + i) != code[i])
            return 0;
    return 1;
}

/* The row that holds before `ret`, where the call is; UNWIND_FIRST if a function begins at it. */
static uint64_t row_before(const char *area, const struct unwind_module *module, uint64_t ret)
{
    const uint32_t *pcs = (const void *)(area + module->pcs);
    const uint16_t *kind = (const void *)(area + module->kind);
    const uint64_t *what = (const void *)(area + module->what);
    if (ret - 1 < module->base || ret - module->base > UINT32_MAX)
        return UNWIND_NO_TABLE;
    uint32_t pc = ret - module->base;
    uint32_t next = rows_upto(pcs, module->rows, pc - 1);
    uint64_t found = next ? what[kind[next - 1]] & ~(uint64_t)UNWIND_FIRST : UNWIND_NO_TABLE;
    if (next < module->rows && pcs[next] == pc)
        found |= what[kind[next]] & UNWIND_FIRST;
    return found;
}

static uint64_t find_row(const struct unwind_tables *tables, uint64_t ret)
{
    const struct unwind_module *module = module_at(tables, ret - 1);
    if (!module)
        return UNWIND_NO_TABLE;
    uint64_t what = row_before((const char *)tables - tables->self, module, ret);
    if (is_restorer(module, ret))
        what = UNWIND_SIGNAL | UNWIND_RESTORER | (unwind_has_table(what) ? 0 : UNWIND_SYNTHETIC);
    else if (is_behind_call(module, ret))
        what |= UNWIND_CALLED;
    return what;
}

UNWIND_COLD uint64_t unwind_fill(const struct unwind_tables *tables, struct unwind_cache *cache,
                                 uint64_t ret)
{
    uint64_t what = find_row(tables, ret);
    unsigned at = unwind_place(ret);
    __atomic_store_n(&cache->entries[at].what, what, __ATOMIC_RELAXED);
    __atomic_store_n(&cache->entries[at].check, what ^ unwind_proof(tables, ret), __ATOMIC_RELAXED);
    return what;
}

uint64_t unwind_row(const struct unwind_tables *tables, struct unwind_cache *cache, uint64_t ret)
{
    return unwind_lookup(tables, cache, ret);
}

/* ---- rare steps ----------------------------------------------------------------------------- */

static int read_word(struct unwind_bounds stack, uint64_t address, uint64_t *value)
{
    if (!unwind_inside(stack, address))
        return UNWIND_CUT_UNREADABLE;
    *value = UNWIND_WORD(address);
    return UNWIND_MORE;
}

/* struct ucontext, at rsp when a handler has returned: uc_mcontext begins at byte 40, its words
 * are r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip (asm/sigcontext.h). */
enum { UC_BP = 120, UC_BX = 128, UC_SP = 160, UC_IP = 168 };

static int leave_signal(const struct unwind_tables *tables, struct unwind_cache *cache,
                        struct unwind_state *state, struct unwind_bounds stack, uint64_t what)
{
    uint64_t context = state->sp;
    if (!unwind_inside(stack, context) || !unwind_inside(stack, context + UC_IP))
        return UNWIND_CUT_UNREADABLE;
    uint64_t pc = UNWIND_WORD(context + UC_IP);
    if (!pc)
        return unwind_cut(what, UNWIND_WHOLE);
    state->pc = pc;
    state->sp = UNWIND_WORD(context + UC_SP);
    state->bp = UNWIND_WORD(context + UC_BP);
    state->bx = UNWIND_WORD(context + UC_BX);
    state->bp_from = context + UC_BP;
    state->kind = UNWIND_SIGNAL;
    state->row =
        unwind_lookup(tables, cache, pc + 1); /* the row at pc itself: it was interrupted */
    return UNWIND_MORE;
}

static int rare_cfa(const struct unwind_state *state, struct unwind_bounds stack, uint64_t what,
                    uint64_t *cfa)
{
    int result;
    switch (UNWIND_KIND(what)) {
    case UNWIND_END:
        return UNWIND_WHOLE;
    case UNWIND_BX:
        *cfa = state->bx + UNWIND_CFA(what);
        return UNWIND_MORE;
    case UNWIND_AT_BP:
        return read_word(stack, state->bp + UNWIND_CFA(what), cfa);
    case UNWIND_AT_SP:
        result = read_word(stack, state->sp + UNWIND_CFA(what), cfa);
        *cfa += 8;
        return result;
    case UNWIND_PLT: /* only a signal interrupts there, so pc is exact */
        *cfa = state->sp + UNWIND_CFA(what);
        *cfa += (int64_t)(state->pc & 15) >= UNWIND_SAVED_BP(what) ? 8 : 0;
        return UNWIND_MORE;
    }
    return unwind_cut(what, UNWIND_CUT_UNWINDER);
}

UNWIND_COLD int unwind_rare(const struct unwind_tables *tables, struct unwind_cache *cache,
                            struct unwind_state *state, struct unwind_bounds stack, uint64_t what,
                            uint64_t *cfa)
{
    if (UNWIND_KIND(what) == UNWIND_SIGNAL)
        return leave_signal(tables, cache, state, stack, what);
    return rare_cfa(state, stack, what, cfa);
}

int unwind_step(const struct unwind_tables *tables, struct unwind_cache *cache,
                struct unwind_state *state, uint64_t low, uint64_t high, uint64_t *slot)
{
    return unwind_step_inline(tables, cache, state, low, high, slot);
}
