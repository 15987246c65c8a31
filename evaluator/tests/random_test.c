/* random_test.c - expressions by chance through mexe and the reference.
 *
 *     random_test COUNT [SEED]     prints how many were accepted and refused
 *
 * Each text ends where a page ends, or begins where one begins, and its neighbour is forbidden: a
 * byte read outside the text is a crash.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "chance.h"
#include "compare.h"
#include "mexe.h"

enum { ROOM = 4096, DEEPEST = 40 };

struct text {
    char bytes[ROOM];
    size_t length;
    uint64_t *seed;
    unsigned spaces; /* one in so many places has some; 0: none */
    unsigned digits; /* the most a number has on one side of its point */
    unsigned size;   /* about how many numbers there are */
};

static void add(struct text *t, char byte)
{
    if (t->length < ROOM)
        t->bytes[t->length++] = byte;
}

static void add_spaces(struct text *t)
{
    while (t->spaces && chance(t->seed, t->spaces) == 0 && t->length < ROOM)
        add(t, " \t\r\n"[chance(t->seed, 4)]);
}

static void add_digits(struct text *t)
{
    bool zeros = chance(t->seed, 8) == 0;
    for (unsigned left = 1 + chance(t->seed, t->digits); left; left--)
        add(t, zeros ? '0' : (char)('0' + chance(t->seed, 10)));
}

static void add_number(struct text *t)
{
    if (t->digits == 1 || chance(t->seed, 3))
        add_digits(t);
    else
        add(t, '0');
    if (chance(t->seed, 2)) {
        add(t, '.');
        add_digits(t);
    }
}

static void add_expression(struct text *t)
{
    unsigned depth = 0;
    for (unsigned left = chance(t->seed, t->size);; left--) {
        add_spaces(t);
        for (; chance(t->seed, 4) == 0 && depth < DEEPEST; depth++) {
            if (chance(t->seed, 4) == 0)
                add(t, '-');
            add(t, '(');
            add_spaces(t);
        }
        if (chance(t->seed, 6) == 0)
            add(t, '-');
        add_spaces(t);
        add_number(t);
        for (; depth && (left == 0 || chance(t->seed, 3) == 0); depth--) {
            add_spaces(t);
            add(t, ')');
        }
        add_spaces(t);
        if (left == 0)
            return;
        add(t, "+-*/"[chance(t->seed, 4)]);
    }
}

/* Changes, removes or inserts a byte or two: mostly nonsense now, and sometimes not. */
static void spoil(struct text *t)
{
    static const char likely[] = "0123456789..++--**//(())  \t\r\n";
    for (unsigned left = 1 + chance(t->seed, 2); left && t->length; left--) {
        size_t at = chance(t->seed, (unsigned)t->length);
        char byte = chance(t->seed, 6) ? likely[chance(t->seed, sizeof likely)]
                                       : (char)chance(t->seed, 256);
        switch (chance(t->seed, 4)) {
        case 0:
            t->bytes[at] = byte;
            break;
        case 1:
            memmove(t->bytes + at, t->bytes + at + 1, --t->length - at);
            break;
        case 2:
            t->length = at;
            break;
        default:
            t->length -= t->length == ROOM;
            memmove(t->bytes + at + 1, t->bytes + at, t->length++ - at);
            t->bytes[at] = byte;
        }
    }
}

static void make(struct text *t)
{
    static const unsigned digits[] = {1, 2, 4, 7, 9, 12, 20, 45}, sizes[] = {2, 3, 5, 9, 40};
    static const unsigned spaces[] = {0, 0, 2, 3, 8};
    t->length = 0;
    t->spaces = spaces[chance(t->seed, 5)];
    t->digits = digits[chance(t->seed, 8)];
    t->size = sizes[chance(t->seed, 5)];
    add_expression(t);
    if (chance(t->seed, 3) == 0)
        spoil(t);
}

/* ROOM bytes between two pages that must not be touched. */
static char *fenced_room(void)
{
    char *pages = mmap(NULL, 3 * ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + ROOM, ROOM, PROT_READ | PROT_WRITE) != 0)
        abort();
    return pages + ROOM;
}

int main(int argc, char **argv)
{
    static struct text text;
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, accepted = 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 37;
    char *room = fenced_room();
    text.seed = &seed;
    for (unsigned long i = 0; i < count; i++) {
        make(&text);
        char *place = chance(&seed, 4) ? room + ROOM - text.length : room;
        memcpy(place, text.bytes, text.length);
        if (!agrees(place, text.length))
            return 1;
        double ignored;
        accepted += mexe_eval(place, text.length, &ignored, NULL) == MEXE_OK;
    }
    printf("%lu accepted, %lu refused, all as the reference\n", accepted, count - accepted);
    return 0;
}
