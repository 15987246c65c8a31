/* detour_fuzz.c - random and damaged bytes for everything that reads code: `detour_fuzz SEED ROUNDS`.
 *
 * Each buffer is exactly as long as is said, so that a sanitizer sees a byte read beyond it. What
 * is moved is checked as far as that can be done without running it.
 */
#include "host/code/syscall_detour.h"
#include "host/code/startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 600, BASE = 0x400000 };

static uint64_t state;

static uint32_t random_number(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545F4914F6CDD1DULL) >> 32);
}

static void must(bool well, const char *what)
{
    if (!well) {
        fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* Code of this program, some bytes of it changed; or nothing but chance; or a lot of one opcode. */
static struct code make_code(void)
{
    static const uint8_t favourites[] = {0x0F, 0x05, 0xE8, 0xE9, 0xEB, 0x74, 0xE3, 0xFF,
                                         0x25, 0xC3, 0x90, 0x66, 0x48, 0x67, 0xF3, 0xC7};
    size_t length = random_number() % LONGEST;
    uint8_t *bytes = malloc(length ? length : 1);
    const uint8_t *real = (const uint8_t *)detour_entry + random_number() % 2048;
    unsigned kind = random_number() % 3;
    for (size_t n = 0; n < length; n++)
        bytes[n] = kind == 0   ? random_number()
                   : kind == 1 ? favourites[random_number() % sizeof favourites]
                               : real[n] ^ (random_number() % 50 == 0 ? random_number() : 0);
    return (struct code){BASE + random_number() % 64, bytes, length};
}

static void try_entry(const struct code *code)
{
    struct function f = {*code, random_number() % (LONGEST + 10)};
    struct moved moved;
    unsigned need = JUMP_BYTES + random_number() % 14;
    uint64_t copy = random_number() % 8 ? BASE + 0x10000 : ((uint64_t)random_number() << 8);
    if (detour_entry(&f, need, copy, &moved) != MOVED)
        return;
    must(need <= DETOUR_NEED_MAX && moved.displaced >= need, "too little was freed");
    must(moved.length <= DETOUR_COPY_MAX && moved.count <= DETOUR_STEPS_MAX,
         "too much was written");
    must(moved.patch - code->address + moved.displaced <= code->length, "freed beyond the end");
}

static void try_sites(const struct code *code)
{
    struct extent extents[3];
    struct text text = {*code, extents, random_number() % 4};
    static const struct syscall_hooks hooks = {BASE, BASE + 99, 5};
    struct syscall_sites sites;
    struct moved moved;
    for (size_t n = 0; n < text.count; n++)
        extents[n] = (struct extent){BASE - 50 + random_number() % LONGEST, random_number() % 300};
    must(syscall_sites_find(&text, &sites), "no memory");
    for (size_t n = 0; n < sites.count; n++) {
        const struct syscall_site *site = &sites.list[n];
        struct instruction i;
        must(instruction_at(code, site->address, &i) && i.kind == SYSCALL, "no system call");
        if (syscall_detour(code, site, &hooks, BASE + 0x10000, &moved) == MOVED)
            must(moved.displaced >= JUMP_BYTES && moved.count <= DETOUR_STEPS_MAX, "site");
    }
    syscall_sites_free(&sites);
}

static bool code_at(void *context, uint64_t address, struct code *out)
{
    const struct code *code = context;
    if (address < code->address || address - code->address >= code->length)
        return false;
    size_t offset = address - code->address;
    *out = (struct code){address, code->bytes + offset, code->length - offset};
    return true;
}

static bool word_at(void *context, uint64_t address, uint64_t *value)
{
    struct code rest;
    if (!code_at(context, address, &rest) || rest.length < sizeof *value)
        return false;
    memcpy(value, rest.bytes, sizeof *value);
    return true;
}

static void try_main(struct code *code)
{
    struct code_source source = {code_at, word_at, code};
    struct code rest;
    uint64_t entry = code->address + random_number() % LONGEST, address;
    if (find_main(&source, entry, &address) == MAIN_FOUND)
        must(code_at(code, address, &rest), "main is no code");
    if (find_user_main(&source, entry, &address))
        must(code_at(code, address, &rest) && address != entry, "user main is no code");
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    state = 88172645463325252ULL + (argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
    for (unsigned long n = 0; n < rounds; n++) {
        struct code code = make_code();
        try_entry(&code);
        try_sites(&code);
        try_main(&code);
        free((void *)code.bytes);
    }
    printf("%lu rounds\n", rounds);
    return 0;
}
