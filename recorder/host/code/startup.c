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

/* An instruction that may load an address: the register, -1 where it does not, and the address, or
 * where in memory the address stands. */
struct load {
    int number;
    bool from_memory;
    uint64_t value;
};

static uint64_t immediate(const struct instruction *i)
{
    int32_t number;
    memcpy(&number, i->bytes + i->length - sizeof number, sizeof number);
    return (uint64_t)(int64_t)number;
}

/* lea N(%rip),%reg; mov N(%rip),%reg; mov $N,%reg in its 7 and its 5 bytes */
static struct load load_of(const struct instruction *i)
{
    const uint8_t *b = i->bytes;
    bool seven = i->length == 7;
    if (seven && (b[0] & 0xFB) == 0x48 && i->displacement && (b[1] == 0x8D || b[1] == 0x8B))
        return (struct load){(b[2] >> 3 & 7) + (b[0] & 4) * 2, b[1] == 0x8B, i->target};
    if (seven && (b[0] & 0xFE) == 0x48 && b[1] == 0xC7 && (b[2] & 0xF8) == 0xC0)
        return (struct load){(b[2] & 7) + (b[0] & 1) * 8, false, immediate(i)};
    if (i->length == 5 && (b[0] & 0xF8) == 0xB8)
        return (struct load){b[0] & 7, false, (uint32_t)immediate(i)};
    return (struct load){-1, false, 0};
}

static void note_load(const struct code_source *source, const struct instruction *i,
                      struct line *line)
{
    struct load load = load_of(i);
    if (load.number < 0 || line->count == MAX_LOADED)
        return;
    if (load.from_memory &&
        (!source->word || !source->word(source->context, load.value, &load.value)))
        return;
    if (!is_code(source, load.value))
        return;
    line->loaded[line->count] = load.value;
    line->register_of[line->count++] = load.number;
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
