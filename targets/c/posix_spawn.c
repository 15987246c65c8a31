/* posix_spawn.c - a child that borrows its parent's memory.
 *
 * Idea:     posix_spawn maps a stack for the child, which runs in the parent's memory until exec.
 * Do:       make run-posix_spawn
 * Expect:   phase main user mmap 1 munmap 1 malloc(1009) 1 ; exit 0
 * Look for: the child's stack, mapped and unmapped by the parent.
 */
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

int main(void)
{
    char *argv[] = {"true", NULL}, *envp[] = {NULL};
    int status = -1;
    pid_t child;

    if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, envp))
        return 1;
    if (waitpid(child, &status, 0) != child || status)
        return 2;
    return malloc(1009) ? 0 : 3;
}
