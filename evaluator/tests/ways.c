/* ways.c - the ways to evaluate; ways.h. */
#include "ways.h"
#include "core.h"

static enum mexe_status eval_by_words(const char *text, size_t length, double *result,
                                      struct mexe_error *error, void *scratch, size_t size)
{
    struct mexe_memory memory = {scratch, (unsigned char *)scratch + size, NULL};
    return mexe_run_words(text, length, result, error, &memory);
}

#ifdef __x86_64__
static enum mexe_status eval_by_avx2(const char *text, size_t length, double *result,
                                     struct mexe_error *error, void *scratch, size_t size)
{
    struct mexe_memory memory = {scratch, (unsigned char *)scratch + size, NULL};
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
        return mexe_run_words(text, length, result, error, &memory);
    return mexe_run_avx2(text, length, result, error, &memory);
}
#endif

const struct way ways[] = {
    {"mexe_eval_in", mexe_eval_in},
    {"mexe_run_words", eval_by_words},
#ifdef __x86_64__
    {"mexe_run_avx2", eval_by_avx2},
#endif
    {NULL, NULL},
};
