/* vfork.c - a child that ends in its parent's memory.
 *
 * Idea:     vfork lends the child its parent's memory until it execs or ends. It does not exec here,
 *           and its _exit is not its parent's.
 * Do:       make run-vfork
 * Expect:   phase main user malloc(1009) 1 ; phase exit user none ; exit 0
 * Look for: the 1009 bytes after it, still in phase main.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    int status = -1;
    char *words[] = {"nothing", NULL};
    pid_t child = vfork();

    if (child == 0) {
        execv("/nonexistent", words);
        _exit(7);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
        return 1;
    free(malloc(1009));
    return 0;
}
