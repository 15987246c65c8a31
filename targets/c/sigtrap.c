/* sigtrap.c - the debugger's own signals, used by the program.
 *
 * Idea:     SIGTRAP and SIGINT belong to the program too; watching must not swallow them.
 * Do:       make run-sigtrap
 * Expect:   user malloc(1009) 1 malloc(1013) 1 ; exit 0
 * Look for: exit 0: both handlers ran, once each.
 */
#include <signal.h>
#include <stdlib.h>

static void *volatile blocks[2];

static void handler(int number)
{
    blocks[number == SIGTRAP] = malloc(number == SIGTRAP ? 1009 : 1013);
}

int main(void)
{
    if (signal(SIGTRAP, handler) == SIG_ERR || signal(SIGINT, handler) == SIG_ERR)
        return 1;
    if (raise(SIGTRAP) || raise(SIGINT))
        return 2;
    return blocks[0] && blocks[1] ? 0 : 3;
}
