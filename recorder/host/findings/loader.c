/* findings/loader.c - the dynamic loader's private allocator, with symbols and without.
 *
 * glibc 2.32 and later export no malloc from ld.so. Its loader calls through four pointers that
 * __rtld_malloc_init_stubs (elf/dl-minimal.c) sets at start-up: calloc, free, malloc, realloc.
 * Without symbols that function is found by its shape, and the four functions by how they call
 * each other; where either is not unique, nothing is returned rather than a guess.
 */
#include "loader.h"
#include "unwind/rows.h"

#include <limits.h>
#include <string.h>

#define MAX_CODE (1u << 22) /* bytes of code that are searched; ld.so has about 150 KB */
#define MAX_BODY (1u << 12) /* bytes; the largest of the four has about 400 */
#define FOUR ELF_LOADER_NAMES

const char *const elf_loader_impls[FOUR] = {"__minimal_malloc", "__minimal_calloc",
                                            "__minimal_realloc", "__minimal_free"};

/* slot -> target of the stores found in one run. `count` goes beyond FOUR where there are more. */
struct stores {
    uint64_t slots[FOUR], targets[FOUR];
    unsigned count;
};

static bool by_symbols(const struct elf *elf, uint64_t vaddrs[FOUR])
{
    struct elf_named found[FOUR];
    elf_functions_named(elf, elf_loader_impls, FOUR, found);
    for (int i = 0; i < FOUR; i++) {
        if (found[i].count != 1)
            return false;
        vaddrs[i] = found[i].symbols[0].value;
    }
    return true;
}

static bool by_debug_file(const struct elf *elf, const char *root, uint64_t vaddrs[FOUR])
{
    char path[2 * PATH_MAX];
    struct elf debug;
    if (!root || elf_open_debug(elf, root, &debug, path, sizeof path) != 0)
        return false;
    bool found = by_symbols(&debug, vaddrs);
    elf_close(&debug);
    return found;
}

/* Instructions, as bytes: REX.W, opcode, ModRM with %rip, displacement (Intel SDM, volume 2). */
static bool is_rip(uint8_t modrm)
{
    return (modrm & 0xc7) == 0x05;
}

static int32_t displacement(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, 4);
    return value;
}

/* `lea place(%rip), reg` (8d) or `mov reg, place(%rip)` (89): 7 bytes. */
static bool is_lea_or_store(const uint8_t *code, size_t left)
{
    return left >= 7 && (code[0] == 0x48 || code[0] == 0x4c) &&
           (code[1] == 0x8d || code[1] == 0x89) && is_rip(code[2]);
}

static void store(struct stores *stores, uint64_t slot, uint64_t target)
{
    unsigned i = 0;
    while (i < stores->count && i < FOUR && stores->slots[i] != slot)
        i++;
    if (i == stores->count)
        stores->count++;
    if (i < FOUR) {
        stores->slots[i] = slot;
        stores->targets[i] = target;
    }
}

/* Read the run of `lea target(%rip), reg; mov reg, slot(%rip)` at `at`; where it ends. */
static size_t read_stores(uint64_t vaddr, struct elf_bytes code, size_t at, struct stores *stores)
{
    uint64_t registers[16];
    unsigned known = 0;
    stores->count = 0;
    while (is_lea_or_store(code.at + at, code.size - at)) {
        const uint8_t *here = code.at + at;
        unsigned reg = (here[0] & 4) << 1 | (here[2] >> 3 & 7);
        at += 7;
        uint64_t place = vaddr + at + displacement(here + 3);
        if (here[1] == 0x8d) {
            registers[reg] = place;
            known |= 1u << reg;
        } else if (known >> reg & 1 && place % 8 == 0 && stores->count <= FOUR) {
            store(stores, place, registers[reg]);
        } else {
            stores->count = 0;
            break;
        }
    }
    return at;
}

/* Whether the slots of exactly four stores lie side by side. */
static bool is_setter(const struct stores *stores)
{
    uint64_t low = UINT64_MAX, high = 0;
    if (stores->count != FOUR)
        return false;
    for (int i = 0; i < FOUR; i++) {
        low = stores->slots[i] < low ? stores->slots[i] : low;
        high = stores->slots[i] > high ? stores->slots[i] : high;
    }
    return high - low == 8 * (FOUR - 1);
}

/* The code of the function at `start`, none where the unwind tables know none there. */
static struct elf_bytes body(const struct elf *elf, uint64_t start)
{
    struct frames_range range;
    struct elf_bytes code = elf_stored(elf, start);
    if (!frames_find(elf, start, &range) || range.low != start || range.high - start > MAX_BODY ||
        code.size < range.high - start)
        return (struct elf_bytes){NULL, 0};
    code.size = range.high - start;
    return code;
}

/* Bit i: the code goes through slot i: `call` or `jmp *slot(%rip)`, `mov slot(%rip), reg`. */
static unsigned slots_used(uint64_t start, struct elf_bytes code, const struct stores *stores)
{
    unsigned used = 0;
    for (size_t at = 0; at + 6 <= code.size; at++) {
        const uint8_t *here = code.at + at;
        bool through = here[0] == 0xff && (here[1] == 0x15 || here[1] == 0x25);
        if (!through && !(here[0] == 0x8b && is_rip(here[1])))
            continue;
        at += 5;
        for (int i = 0; i < FOUR; i++)
            if (stores->slots[i] == start + at + 1 + displacement(here + 2))
                used |= 1u << i;
    }
    return used;
}

/* `mul`, `imul` of 64 bits. */
static bool multiplies(struct elf_bytes code)
{
    for (size_t at = 0; at + 3 <= code.size; at++) {
        const uint8_t *here = code.at + at;
        if ((here[0] & 0xfe) == 0x48 && here[1] == 0xf7 && (here[2] & 0xf8) == 0xe0)
            return true;
        if ((here[0] & 0xf8) == 0x48 && here[1] == 0x0f && here[2] == 0xaf)
            return true;
    }
    return false;
}

/* Tell the four apart by what they do: only calloc and realloc allocate, both through the pointer
 * to malloc, and only calloc multiplies (elf/dl-minimal-malloc.c). */
static bool tell_apart(const struct elf *elf, const struct stores *stores, uint64_t vaddrs[FOUR])
{
    int callers = 0, calloc = -1, realloc = -1, malloc;
    unsigned used = 0, caller_mask = 0;
    for (int i = 0; i < FOUR; i++) {
        struct elf_bytes code = body(elf, stores->targets[i]);
        for (int j = 0; j < i; j++)
            if (stores->targets[j] == stores->targets[i])
                return false;
        if (!code.at || !code.size)
            return false;
        unsigned uses = slots_used(stores->targets[i], code, stores);
        used |= uses;
        if (!uses)
            continue;
        callers++;
        caller_mask |= 1u << i;
        *(multiplies(code) ? &calloc : &realloc) = i;
    }
    if (callers != 2 || calloc < 0 || realloc < 0 || !used || used & (used - 1))
        return false;
    malloc = __builtin_ctz(used);
    if (caller_mask >> malloc & 1)
        return false;
    const uint64_t *targets = stores->targets;
    vaddrs[ELF_MALLOC] = targets[malloc];
    vaddrs[ELF_CALLOC] = targets[calloc];
    vaddrs[ELF_REALLOC] = targets[realloc];
    vaddrs[ELF_FREE] = targets[6 - malloc - calloc - realloc]; /* 0 + 1 + 2 + 3 = 6 */
    return true;
}

/* The number of functions of that shape in one segment; the last one's in `vaddrs`. */
static unsigned search(const struct elf *elf, uint64_t vaddr, struct elf_bytes code,
                       uint64_t vaddrs[FOUR])
{
    unsigned found = 0;
    struct stores stores;
    for (size_t at = 0; at < code.size; at++) {
        if (!is_lea_or_store(code.at + at, code.size - at) || code.at[at + 1] != 0x8d)
            continue;
        at = read_stores(vaddr, code, at, &stores) - 1;
        if (is_setter(&stores))
            found += tell_apart(elf, &stores, vaddrs);
    }
    return found;
}

static bool by_shape(const struct elf *elf, uint64_t vaddrs[FOUR])
{
    Elf64_Phdr segment;
    unsigned found = 0;
    for (unsigned i = 0; elf_segment(elf, i, &segment); i++) {
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X))
            continue;
        struct elf_bytes code = elf_stored(elf, segment.p_vaddr);
        if (code.size > MAX_CODE)
            code.size = MAX_CODE;
        found += search(elf, segment.p_vaddr, code, vaddrs);
    }
    return found == 1;
}

enum elf_source elf_loader_malloc(const struct elf *elf, const char *debug_root,
                                  uint64_t vaddrs[FOUR])
{
    struct elf_symbol symbol;
    if (elf_interp(elf) || elf_function(elf, "malloc", &symbol))
        return ELF_NOT_FOUND; /* no loader, or one that exports its allocator */
    if (by_symbols(elf, vaddrs) || by_debug_file(elf, debug_root, vaddrs))
        return ELF_BY_SYMBOLS;
    return by_shape(elf, vaddrs) ? ELF_BY_PATTERN : ELF_NOT_FOUND;
}
