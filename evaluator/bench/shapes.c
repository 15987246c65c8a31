/* shapes.c - N in a shape stands for a number; how long all of it becomes is given. */
#include <stdbool.h>
#include <stdlib.h>

#include "shapes.h"

#define SHAPES 10
#define DEEP_LEVELS 30

/* The last one is made: thirty levels of groups. */
static const char *const shapes[SHAPES - 1] = {
    "N + N",
    "N * N - N",
    "(N + N) * N",
    "N / (N - N) + N * N",
    "N * (N + N) - N / N",
    "((N + N) * (N - N)) / (N + (N - N))",
    "(N - (N + (N * N))) / ((N + N) * N) - N",
    "((N / (N + N)) * (N - N)) + (N * (N + (N / N)))",
    "((((N + (N * (N - N))) / N) - (N * N)) + N) * (N - N)",
};

/* How long the numbers are in bytes, and the whole of the last shape. */
struct sizes {
    size_t shortest, longest, deep;
};
static const struct sizes whole = {1, 3, 1160}, decimal = {7, 11, 1993};

static void add_deep(struct text *shape)
{
    static const char *const groups[] = {
        "(((N)) * N - ((N) / ((N))))",
        "((N / (N)) + (((N) - (N))))",
        "(((N) + N) / ((N - ((N)))))",
        "(N * (((N)) - ((N + (N)))))",
    };
    static const char *const signs[] = {") + ", ") - ", ") * ", ") / "};
    for (int level = 0; level < DEEP_LEVELS; level++)
        text_say(shape, "(");
    text_say(shape, "N");
    for (int level = 0; level < DEEP_LEVELS; level++) {
        text_say(shape, signs[level % 4]);
        text_say(shape, groups[(level + level / 4) % 4]);
    }
}

/* A number of `length` bytes, with a point in it where it is a decimal. */
static void add_number(struct text *text, uint64_t *seed, size_t length, bool is_decimal)
{
    unsigned size = (unsigned)length, before = is_decimal ? 1 + chance(seed, size / 2) : size;
    text_digits(text, seed, before);
    if (is_decimal) {
        text_say(text, ".");
        text_digits(text, seed, size - before - 1);
    }
}

static size_t numbers_of(const struct text *shape)
{
    size_t numbers = 0;
    for (size_t i = 0; i < shape->length; i++)
        numbers += shape->bytes[i] == 'N';
    return numbers;
}

/* A length by chance that leaves the `others` numbers a share of `left` that they can have. */
static size_t one_length(size_t left, size_t others, const struct sizes *sizes, uint64_t *seed)
{
    size_t span = sizes->longest - sizes->shortest + 1;
    size_t mine = sizes->shortest + chance(seed, (uint32_t)span);
    if (mine + others * sizes->longest < left)
        return left - others * sizes->longest;
    if (mine + others * sizes->shortest > left)
        return left - others * sizes->shortest;
    return mine;
}

/* Writes the shape with numbers for its Ns, which have `left` bytes in all. */
static void fill(struct text *text, const struct text *shape, size_t left,
                 const struct sizes *sizes)
{
    size_t others = numbers_of(shape);
    uint64_t seed = left + shape->length;
    for (size_t i = 0; i < shape->length; i++) {
        if (shape->bytes[i] != 'N') {
            text_add(text, &shape->bytes[i], 1);
            continue;
        }
        size_t mine = one_length(left, --others, sizes, &seed);
        add_number(text, &seed, mine, sizes == &decimal);
        left -= mine;
    }
}

void shape_of_twenty(struct text *text, size_t number)
{
    const struct sizes *sizes = number < SHAPES ? &whole : &decimal;
    struct text shape = {0};
    size_t kind = number % SHAPES, left;
    if (kind == SHAPES - 1) {
        add_deep(&shape);
        left = sizes->deep - (shape.length - numbers_of(&shape));
    } else {
        text_say(&shape, shapes[kind]);
        left = numbers_of(&shape) * (number ? (sizes->shortest + sizes->longest) / 2 : 1);
    }
    fill(text, &shape, left, sizes);
    free(shape.bytes);
}

void shape_of_manual(struct text *text)
{
    text_say(text, "6.5*7.8*2.3 + (3.5*3+7/2)*3 -(5*4/(2-3))*4");
    text_say(text, " + 6.5*7.8*2.3 + (3.5*3+7/2)*3");
    text_say(text, " + 6.5*7.8*2.3 -(5*4/(2-3))*4");
    text_say(text, " + 6.5*7.8*2.3 + (3.5*3+7/2)*3 -(5*4/(2-3))");
    text_say(text, " + 6.5*7.8*2.3 + (3.5*3+7/2)*3 -1");
}
