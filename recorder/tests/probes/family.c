/* family.c - processes that end in each way, and a child that holds other blocks than its parent.
 *
 *   ends: prints what wait() says of each child: its number, and how it ended
 *   peaks: 10007 bytes, a child with 20011 of its own, 5003 more when it has gone
 *   again N: execs itself N times
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void end_as(int how)
{
    free(malloc(101));
    if (how == 0)
        exit(3);
    if (how == 1)
        _exit(9);
    if (how == 2)
        raise(SIGKILL);
    if (how == 3)
        *(volatile int *)(long)how = 1;
    if (how == 4)
        execl("/bin/sh", "sh", "-c", "exit 41", (char *)NULL);
}

static void ends(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    for (int how = 0; how < 5; how++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            end_as(how);
        waitpid(child, &status, 0);
        printf("%d %s %d\n", child, WIFSIGNALED(status) ? "signalled" : "exited",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
}

static void peaks(void)
{
    void *first = malloc(10007);
    pid_t child = fork();
    if (child == 0) {
        void *own = malloc(20011);
        free(first);
        free(own);
        free(malloc(101));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    free(malloc(5003));
    free(first);
}

static void again(char *self, int times)
{
    char text[16];
    free(malloc(1000 + (size_t)times));
    snprintf(text, sizeof text, "%d", times - 1);
    if (times > 0)
        execl(self, self, "again", text, (char *)NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "ends") == 0)
        ends();
    if (argc > 1 && strcmp(argv[1], "peaks") == 0)
        peaks();
    if (argc > 2 && strcmp(argv[1], "again") == 0)
        again(argv[0], atoi(argv[2]));
    return 0;
}
