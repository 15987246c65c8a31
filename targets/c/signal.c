/* signal.c - a handler that allocates.
 *
 * Idea:     a signal handler is the user's code, called by nobody of the user's.
 * Do:       make run-signal
 * Expect:   user malloc(1009) 1 ; leaked user 1 1009 ; exit 0
 * Look for: handler in the stack, and the kernel's return frame below it.
 */
#include <signal.h>
#include <stdlib.h>

static void *volatile block;

static void handler(int number)
{
    (void)number;
    block = malloc(1009); /* safe here only because raise interrupts nothing */
}

int main(void)
{
    if (signal(SIGUSR1, handler) == SIG_ERR || raise(SIGUSR1))
        return 1;
    return block ? 0 : 2;
}
