/* deeper.c - a function that calls itself, interrupted at one instruction on each level. The handler asks for
 * 50,000 bytes and as many more as there are levels. TIMES times, each time further down the stack.
 */
#include <alloca.h>
#include <signal.h>
#include <stdlib.h>

enum { LEVELS = 200, TIMES = 23 };
static volatile size_t level;
static void *volatile block;

static void interrupted(int number)
{
    (void)number;
    block = malloc(50000 + level);
    free(block);
}

static void deeper(size_t to)
{
    level = to;
    __asm__ volatile("int3");
    if (to < LEVELS)
        deeper(to + 1);
    __asm__ volatile("" ::: "memory"); /* so that no call is the last */
}

int main(void)
{
    signal(SIGTRAP, interrupted);
    for (size_t i = 0; i < TIMES; i++) {
        *(volatile char *)alloca(16) = 0;
        deeper(1);
    }
    return 0;
}
