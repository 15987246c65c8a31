/* self_traced.c [exec|trap|sent|kill|stop]: asks its parent to trace it, and then gets signals. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

static volatile sig_atomic_t got;

static void take(int number)
{
    (void)number;
    got++;
    free(malloc(1019));
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "again") == 0)
        return 6;
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    signal(SIGUSR1, take);
    for (int i = 0; i < 3; i++)
        raise(SIGUSR1);
    printf("got %d\n", got);
    fflush(stdout);
    if (strcmp(how, "exec") == 0)
        execl("/proc/self/exe", argv[0], "again", (char *)0);
    if (strcmp(how, "trap") == 0)
        __asm__ volatile("int3");
    if (strcmp(how, "sent") == 0)
        kill(getpid(), SIGTRAP);
    if (strcmp(how, "kill") == 0)
        raise(SIGTERM);
    if (strcmp(how, "stop") == 0)
        raise(SIGSTOP);
    return 5;
}
