/* exec.c - one process, two programs.
 *
 * Idea:     exec throws the memory away: nothing of it is freed, and nothing leaked.
 * Do:       make run-exec
 * Expect:   phase main user malloc(1009) 1 malloc(1013) 1 ; leaked user 1 1013 ; exit 0
 * Look for: the phases that start again.
 */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 1)
        return malloc(1013) ? 0 : 1;
    if (!malloc(1009))
        return 2;
    execl("/proc/self/exe", argv[0], "again", (char *)NULL);
    return 3;
}
