/* children.c - a child by fork that outlives its parent, by vfork, by posix_spawn, by system; an
 * exec that fails, an exec of a thread; children that end in their parent's memory. Argument: which.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *program[] = {"/bin/echo", "of the child", NULL};

static int waited(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static int outlive(void)
{
    int gate[2];
    char byte;
    if (pipe(gate) || fflush(stdout))
        return 1;
    if (fork() == 0) {
        close(gate[1]);
        if (read(gate[0], &byte, 1) == 0) /* the parent has ended */
            for (int i = 0; i < 101; i++) {
                free(malloc(1013));
                free(malloc(1 << 20));
            }
        printf("the child is done\n");
        exit(0);
    }
    free(malloc(1019));
    return 0;
}

static int by_vfork(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execv(program[0], program);
        _exit(9);
    }
    return waited(child);
}

static int by_spawn(void)
{
    pid_t child;
    return posix_spawn(&child, program[0], NULL, NULL, program, environ) || waited(child);
}

/* The child asks in its parent's memory, and ends there. */
static int lent(void (*end)(int))
{
    void *kept = malloc(1019), *volatile of_child = NULL;
    pid_t child = vfork();
    if (child == 0) {
        free(kept);
        of_child = malloc(1013);
        end(3);
    }
    int status = waited(child) >> 8;
    free(of_child);
    return status;
}

static int lent_to__exit(void)
{
    return lent(_exit);
}

static int lent_to_exit(void)
{
    return lent(exit);
}

/* What ends then is the program itself. */
static int then__exit(void)
{
    printf("status %d\n", lent(_exit));
    fflush(stdout);
    _exit(0);
}

static int spawn_fails(void)
{
    pid_t child;
    return posix_spawn(&child, "/nonexistent/program", NULL, NULL, program, environ) != 0;
}

static int failing(void)
{
    for (int i = 0; i < 7; i++)
        execv("/nonexistent/program", program);
    return 0;
}

static void *of_a_thread(void *arg)
{
    free(malloc(1013));
    execv(program[0], program);
    return arg;
}

static int exec_in_thread(void)
{
    pthread_t thread;
    fflush(stdout);
    pthread_create(&thread, NULL, of_a_thread, NULL);
    pthread_join(thread, NULL);
    return 1;
}

static int many(void)
{
    int sum = 0;
    for (int i = 0; i < 23; i++) {
        pid_t child = fork();
        if (child == 0) {
            free(malloc(1013));
            _exit(i);
        }
        sum += waited(child) >> 8;
    }
    printf("sum %d\n", sum);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} ways[] = {{"fork", outlive},
            {"vfork", by_vfork},
            {"spawn", by_spawn},
            {"failing", failing},
            {"thread", exec_in_thread},
            {"many", many},
            {"lent-_exit", lent_to__exit},
            {"lent-exit", lent_to_exit},
            {"then-_exit", then__exit},
            {"spawn-fails", spawn_fails}};

int main(int argc, char **argv)
{
    int status = 0;
    free(malloc(1009));
    if (argc > 1 && !strcmp(argv[1], "system"))
        status = system("echo of a shell; exit 3") >> 8;
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++)
        if (!strcmp(argv[1], ways[i].name))
            status = ways[i].run();
    free(malloc(1009));
    printf("status %d\n", status);
    return 0;
}
