/* startup.c - where main is, read from the code at the entry point (startup.h). */
#include "startup.h"

#include <string.h>

enum {
    MAX_STEPS = 64, /* glibc's _start takes 12 instructions, C's main of a Rust program 10 */
    RDI = 7,
    MAX_LOADED = 8,
};

/* The addresses of code that were loaded into registers, up to a transfer. */
struct line {
    uint64_t loaded[MAX_LOADED];
    int register_of[MAX_LOADED];
    unsigned count;
    struct instruction last; /* the transfer or syscall; .kind PLAIN: the line led nowhere */
};

static bool is_code(const struct code_source *source, uint64_t address)
{
    struct code code;
    return source->at(source->context, address, &code) && code.length > 0;
}

/* The register that `lea N(%rip),%reg` or `mov $N,%reg` loads an address into; -1: none does. */
static int loaded_register(const struct instruction *i, uint64_t *value)
{
    const uint8_t *b = i->bytes;
    int32_t number;
    if (i->length == 7 && (b[0] & 0xFB) == 0x48 && b[1] == 0x8D && i->displacement) {
        *value = i->target;
        return (b[2] >> 3 & 7) + (b[0] & 4) * 2;
    }
    if (i->length == 7 && (b[0] & 0xFE) == 0x48 && b[1] == 0xC7 && (b[2] & 0xF8) == 0xC0) {
        memcpy(&number, b + 3, sizeof number);
        *value = (uint64_t)(int64_t)number;
        return (b[2] & 7) + (b[0] & 1) * 8;
    }
    if (i->length == 5 && (b[0] & 0xF8) == 0xB8) { /* mov $N,%edi: no-pie code of other linkers */
        memcpy(&number, b + 1, sizeof number);
        *value = (uint32_t)number;
        return b[0] & 7;
    }
    return -1;
}

static void note_load(const struct code_source *source, const struct instruction *i,
                      struct line *line)
{
    uint64_t value;
    int number = loaded_register(i, &value);
    if (number < 0 || line->count == MAX_LOADED || !is_code(source, value))
        return;
    line->loaded[line->count] = value;
    line->register_of[line->count++] = number;
}

static bool ends(const struct instruction *i)
{
    return instruction_ends_line(i) || i->kind == CALL || i->kind == CALL_INDIRECT ||
           i->kind == SYSCALL;
}

/* Reads from `at` to the first call, jump or system call. */
static void read_line(const struct code_source *source, uint64_t at, struct line *line)
{
    struct code code;
    memset(line, 0, sizeof *line);
    if (!source->at(source->context, at, &code))
        return;
    for (unsigned n = 0; n < MAX_STEPS; n++) {
        struct instruction i;
        if (!instruction_at(&code, at, &i))
            return;
        if (ends(&i)) {
            line->last = i;
            return;
        }
        note_load(source, &i, line);
        at = instruction_end(&i);
    }
}

/* The last address of code loaded into `number`; 0: none. */
static uint64_t last_loaded(const struct line *line, int number)
{
    for (unsigned n = line->count; n-- > 0;)
        if (line->register_of[n] == number)
            return line->loaded[n];
    return 0;
}

enum main_found find_main(const struct code_source *source, uint64_t entry, uint64_t *address)
{
    struct line line;
    for (unsigned hop = 0; hop < 2; hop++) {
        read_line(source, entry, &line);
        if (line.last.kind == SYSCALL)
            return MAIN_NONE;
        *address = last_loaded(&line, RDI);
        if (*address && line.last.length)
            return MAIN_FOUND;
        if (line.last.kind != CALL && line.last.kind != JUMP)
            break;
        entry = line.last.target;
    }
    return MAIN_UNCLEAR;
}

bool find_user_main(const struct code_source *source, uint64_t c_main, uint64_t *address)
{
    struct line line;
    read_line(source, c_main, &line);
    for (unsigned n = 0; n < line.count; n++) {
        if (line.loaded[n] == c_main)
            continue;
        *address = line.loaded[n];
        return true;
    }
    return false;
}
