/* eval_mexe.c - the same arithmetic with no tokens at all: evaluator/.
 *
 * Idea:     one pass; what is pending lies on the machine's stack, in room that is always there.
 * Do:       make run-eval_mexe
 * Expect:   user none ; phase main none ; exit 0
 * Look for: nothing in main: no call, no memory syscall, whatever is evaluated.
 */
#include <string.h>

#include "expressions.h"
#include "mexe.h"

static int evaluate(const char *text, double *value)
{
    return mexe_eval(text, strlen(text), value, NULL) == MEXE_OK;
}

int main(int argc, char **argv)
{
    return evaluate_all(argc, argv);
}
