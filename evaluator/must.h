/* must.h - rules that hold for any text. A rule that is broken is named, and ends the program.
 *
 * On where MUST_HOLD is defined: in the fuzzer, and in the library that the tests with sanitizers make.
 * Else there is nothing of it.
 */
#ifndef MEXE_MUST_H
#define MEXE_MUST_H

#ifdef MUST_HOLD
#include <stdio.h>
#include <stdlib.h>

_Noreturn static inline void must_not_go_on(const char *rule, const char *file, int line)
{
    fprintf(stderr, "broken rule: %s (%s:%d)\n", rule, file, line);
    abort();
}

#define must(condition, rule) ((condition) ? (void)0 : must_not_go_on(rule, __FILE__, __LINE__))
#else
#define must(condition, rule) ((void)sizeof !(condition))
#endif

#endif
