/* execs.c - programs that begin others: amid signals, beside other children, in vain, and
 * several at once; and in a PID namespace. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void tell_signals(void)
{
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0)
            fputs(line, stdout);
    fclose(file);
}

/* A clock ticks through all of them, which they do not heed; nor a trap. */
static void amid_signals(char *self, int left)
{
    struct itimerval often = {{0, 200}, {0, 200}};
    char number[16];
    sigset_t trap;
    free(malloc(1009));
    if (left == 0) {
        tell_signals();
        return;
    }
    signal(SIGALRM, SIG_IGN);
    signal(SIGTRAP, SIG_IGN);
    sigemptyset(&trap);
    sigaddset(&trap, SIGTRAP);
    sigaddset(&trap, SIGUSR1);
    sigprocmask(SIG_BLOCK, &trap, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    snprintf(number, sizeof number, "%d", left - 1);
    execl(self, self, "signals", number, NULL);
}

/* Another child lives meanwhile. */
static void beside(char *self)
{
    int status, gate[2];
    pid_t spawned;
    char *words[] = {self, "child", NULL};
    pipe(gate);
    pid_t other = fork();
    if (other == 0) {
        free(malloc(1013));
        close(gate[1]);
        read(gate[0], &status, 1);
        _exit(0);
    }
    usleep(100000);
    posix_spawn(&spawned, self, NULL, NULL, words, environ);
    waitpid(spawned, &status, 0);
    close(gate[1]);
    waitpid(other, &status, 0);
}

/* A program that the kernel begins, and cannot go on with: it kills. */
static void in_vain(const char *broken)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        execl(broken, broken, NULL);
        _exit(1);
    }
    waitpid(child, &status, 0);
    printf("killed: %d\n", WIFSIGNALED(status));
    sleep(2);
}

/* Never long the same program. */
static void again(char *self)
{
    for (int i = 0; i < 15; i++) {
        free(malloc(1009));
        usleep(1000);
    }
    execl(self, self, "again", NULL);
}

/* Begin `left` of them, so many at one moment. */
static void abreast(char *self, int left, int most)
{
    char *words[] = {self, NULL};
    for (int alive = 0; left > 0 || alive > 0;) {
        int status = 0;
        pid_t pid;
        bool begins = left > 0 && alive < most;
        bool failed = begins ? posix_spawn(&pid, self, NULL, NULL, words, environ) != 0
                             : wait(&status) < 0 || status != 0;
        if (failed)
            exit(1);
        left -= begins;
        alive += begins ? 1 : -1;
    }
}

/* In a PID namespace of its own a child execs what only its own memory names. */
static int renamed(void)
{
    static char name[32] = "/bin/only-in-the-parent";
    int status = 0;
    if (unshare(CLONE_NEWPID) != 0)
        return 1;
    if (fork() == 0) {
        strcpy(name, "/bin/true");
        execl(name, name, NULL);
        _exit(1);
    }
    wait(&status);
    return WEXITSTATUS(status);
}

static void *some(void *size)
{
    for (int i = 0; i < 100; i++)
        free(malloc((size_t)size));
    return NULL;
}

/* Children of four threads each; `on`: then its number, and calls until it is killed. */
static void with_threads(int children, bool on)
{
    for (int i = 0; i < children; i++) {
        if (fork() != 0)
            continue;
        pthread_t threads[4];
        for (size_t j = 0; j < 4; j++)
            pthread_create(&threads[j], NULL, some, (void *)(1000 + j));
        for (size_t j = 0; j < 4; j++)
            pthread_join(threads[j], NULL);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    if (on)
        dprintf(1, "%d\n", (int)getpid());
    while (on) {
        usleep(1000);
        some((void *)(size_t)1000);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "renamed") == 0)
        return renamed();
    if (strcmp(what, "threads") == 0)
        with_threads(atoi(argv[2]), argc > 3);
    else if (strcmp(what, "signals") == 0)
        amid_signals(argv[0], atoi(argv[2]));
    else if (strcmp(what, "beside") == 0)
        beside(argv[0]);
    else if (strcmp(what, "again") == 0)
        again(argv[0]);
    else if (strcmp(what, "vain") == 0)
        in_vain(argv[2]);
    else if (strcmp(what, "abreast") == 0)
        abreast(argv[0], atoi(argv[2]), atoi(argv[3]));
    else
        free(malloc(1019));
    return 0;
}
