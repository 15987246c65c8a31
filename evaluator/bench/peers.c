/* peers.c - the table of peers; HAVE_ says which others could be built here. */
#include "mexe.h"
#include "peers.h"
#include "yardstick.h"

static bool mexe(const char *text, size_t length, double *result)
{
    return mexe_eval(text, length, result, NULL) == MEXE_OK;
}

static bool yardstick(const char *text, size_t length, double *result)
{
    (void)length;
    return yardstick_eval(text, result);
}

const struct peer peers[] = {
    {"mexe", mexe, 0},
    {"yardstick", yardstick, 0},
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
