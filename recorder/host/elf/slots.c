/* elf/slots.c - which symbol a slot of the GOT, and so a stub of the PLT, leads to. */
#include "elf.h"

#include <stdlib.h>
#include <string.h>

static bool is_slot(const struct elf_relocation *relocation)
{
    uint32_t type = relocation->type;
    return *relocation->name &&
           (type == R_X86_64_64 || type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT);
}

static bool count_slot(void *context, const struct elf_relocation *relocation)
{
    *(size_t *)context += is_slot(relocation);
    return true;
}

static bool store_slot(void *context, const struct elf_relocation *relocation)
{
    struct elf *elf = context;
    if (is_slot(relocation))
        elf->slots[elf->slot_count++] = (struct elf_slot){relocation->offset, relocation->name};
    return true;
}

static int by_vaddr(const void *left, const void *right)
{
    uint64_t a = ((const struct elf_slot *)left)->vaddr;
    uint64_t b = ((const struct elf_slot *)right)->vaddr;
    return (a > b) - (a < b);
}

static void make_slots(struct elf *elf)
{
    size_t count = 0;
    elf->slots_made = true;
    elf_each_relocation(elf, count_slot, &count);
    elf->slots = count ? malloc(count * sizeof *elf->slots) : NULL;
    if (!elf->slots)
        return;
    elf_each_relocation(elf, store_slot, elf);
    qsort(elf->slots, elf->slot_count, sizeof *elf->slots, by_vaddr);
}

const char *elf_slot_name(struct elf *elf, uint64_t vaddr)
{
    if (!elf->slots_made)
        make_slots(elf);
    struct elf_slot wanted = {vaddr, NULL};
    struct elf_slot *found =
        elf->slots ? bsearch(&wanted, elf->slots, elf->slot_count, sizeof wanted, by_vaddr) : NULL;
    return found ? found->name : NULL;
}

/* Instructions, Intel SDM volume 2: f3 0f 1e fa endbr64; f2 bnd and 67 as the linker's filler;
 * ff 25 jmp *slot(%rip); ff 15 call *slot(%rip); e8 call and e9 jmp by a distance. */
const char *elf_plt_target(struct elf *elf, uint64_t vaddr)
{
    for (int hop = 0; hop < 2; hop++) { /* a call, then the stub that it calls */
        struct elf_bytes code = elf_stored(elf, vaddr);
        if (code.size < 16)
            return NULL;
        unsigned skip = memcmp(code.at, "\xf3\x0f\x1e\xfa", 4) ? 0 : 4;
        skip += code.at[skip] == 0xf2 || code.at[skip] == 0x67;
        const uint8_t *at = code.at + skip;
        int32_t distance;
        if (at[0] == 0xff && (at[1] == 0x25 || at[1] == 0x15)) {
            memcpy(&distance, at + 2, 4);
            return elf_slot_name(elf, vaddr + skip + 6 + distance);
        }
        if (at[0] != 0xe8 && at[0] != 0xe9)
            return NULL;
        memcpy(&distance, at + 1, 4);
        vaddr += skip + 5 + distance;
    }
    return NULL;
}
