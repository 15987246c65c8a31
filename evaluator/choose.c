/* choose.c - which way to look at bytes this machine allows; decided by the loader, once. */
#include "core.h"

typedef enum mexe_status run_function(const char *text, size_t length, double *result,
                                      struct mexe_error *error, struct mexe_memory *memory);

#ifdef MEXE_WITH_AVX2
__attribute__((used)) static run_function *choose(void)
{
    __builtin_cpu_init();
    bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
               __builtin_cpu_supports("bmi2");
    return has ? mexe_run_avx2 : mexe_run_words;
}

run_function mexe_run __attribute__((ifunc("choose")));
#else
enum mexe_status mexe_run(const char *text, size_t length, double *result, struct mexe_error *error,
                          struct mexe_memory *memory)
{
    return mexe_run_words(text, length, result, error, memory);
}
#endif
