/* peers.c - the table of peers; HAVE_ says which others could be built here. */
#include "core.h"
#include "peers.h"
#include "yardstick.h"

static bool mexe(const char *text, size_t length, double *result)
{
    return mexe_eval(text, length, result, NULL) == MEXE_OK;
}

/* The path of machines without AVX2, whatever this one has. */
static bool portable(const char *text, size_t length, double *result)
{
    unsigned char area[4096];
    struct mexe_memory memory = {.base = area, .limit = area + sizeof area};
    return mexe_run_words(text, length, result, NULL, &memory) == MEXE_OK;
}

static bool yardstick(const char *text, size_t length, double *result)
{
    (void)length;
    return yardstick_eval(text, result);
}

const struct peer peers[] = {
    {"mexe", mexe, 0},
    {"yardstick", yardstick, 0},
    {"portable", portable, 0},
#ifdef HAVE_ORIGINAL
    {"original", original_eval, 0},
#endif
#ifdef HAVE_FPARSER
    {"fparser", fparser_eval, 0},
#endif
#ifdef HAVE_MUPARSER
    {"muParser", muparser_eval, 100000},
#endif
    {NULL, NULL, 0},
};
