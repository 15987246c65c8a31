/* fork.c - a child with the same heap.
 *
 * Idea:     after fork two programs own two copies of one heap; only the parent is followed.
 * Do:       make run-fork
 * Expect:   user malloc(1009) 1 malloc(1013) 0 malloc(1019) 1 ; exit 0
 * Look for: the note that one child was not followed; its 1013 bytes are in no list.
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status = -1;
    void *before = malloc(1009);
    pid_t child = fork();

    if (child == 0)
        _exit(before && malloc(1013) ? 0 : 1);
    if (child < 0 || waitpid(child, &status, 0) != child || status)
        return 1;
    return malloc(1019) ? 0 : 2;
}
