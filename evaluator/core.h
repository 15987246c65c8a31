/* core.h - what the files of the library share. Nothing here is for its users: mexe.h is. */
#ifndef MEXE_CORE_H
#define MEXE_CORE_H

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

#include "mexe.h"

#pragma GCC visibility push(hidden)

#if FLT_EVAL_METHOD != 0
#error "the processor keeps more digits than a double has: results would differ (-mfpmath=sse)"
#endif

/* The double with these BITS. */
static inline double mexe_double(uint64_t bits)
{
    union {
        uint64_t bits;
        double value;
    } both = {bits};
    return both.value;
}

/* VALUE, with the same bits for any NaN. */
static inline double mexe_one_nan(double value)
{
    return value == value ? value : mexe_double(UINT64_C(0x7ff8) << 48);
}

/* Where what is pending at open parentheses is kept: bytes from BASE to LIMIT. */
struct mexe_memory {
    unsigned char *base;
    unsigned char *limit;
    /* Makes room for more, and moves the first USED bytes there; false: there is none. NULL when
     * the memory never grows. */
    bool (*grow)(struct mexe_memory *memory, size_t used);
};

/* The evaluator itself: mexe_eval and mexe_eval_in differ in their memory only. */
enum mexe_status mexe_run(const char *text, size_t length, double *result, struct mexe_error *error,
                          struct mexe_memory *memory);

/* What it is made of: the same for any machine, and for those with AVX2 and BMI. */
enum mexe_status mexe_run_words(const char *text, size_t length, double *result,
                                struct mexe_error *error, struct mexe_memory *memory);
enum mexe_status mexe_run_avx2(const char *text, size_t length, double *result,
                               struct mexe_error *error, struct mexe_memory *memory);

/* Reads the number that starts at P, which points at a digit; correctly rounded for any length.
 * Returns where it ends. When a point has no digit behind it, *VALUE is left alone, and what is
 * returned points behind the point. */
const char *mexe_read_number(const char *p, const char *end, double *value);

/* The double next to W * 10^EXPONENT, or, when CUT, to some number from there to less than
 * (W + 1) * 10^EXPONENT (W is then at least 10^18). False when that cannot be told from 128 bits,
 * and for exponents beyond MEXE_POWER_MAX. W is not 0. */
bool mexe_round_product(uint64_t w, int64_t exponent, bool cut, double *value);

#define MEXE_POWER_MAX 64

/* The double next to D * 10^EXPONENT, where D are the COUNT decimal digits from DIGITS on; a point
 * among them is skipped. The first one is not 0. Always right, not fast. */
double mexe_round_decimal(const char *digits, int64_t count, int64_t exponent);

#pragma GCC visibility pop

#endif
