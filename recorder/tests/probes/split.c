/* split.c - gcc's split stacks (-fsplit-stack): a call chain that goes on from one piece to the next.
 *
 * split DEPTH TIMES
 */
#include <stdlib.h>

static void *kept;

__attribute__((noinline)) static int deep(int left)
{
    volatile char room[3000];
    room[left % 3000] = 1;
    if (left == 0) {
        kept = malloc(8009);
        return 1;
    }
    return deep(left - 1) + room[left % 3000] - 1;
}

int main(int argc, char **argv)
{
    int depth = argc > 1 ? atoi(argv[1]) : 40, times = argc > 2 ? atoi(argv[2]) : 1, made = 0;
    for (int i = 0; i < times; i++)
        made += deep(depth);
    return made != times || !kept;
}
