/* dying.c - ends by a signal, in a call and outside of one. Argument: which. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void caught(int number)
{
    static const char word[] = "caught\n";
    if (write(1, word, sizeof word - 1) < 0)
        _exit(1);
    free(malloc(1013));
    signal(number, SIG_DFL);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    void *volatile block = malloc(1009);
    void *volatile bad = (char *)block + 8;
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "segv"))
        *(volatile int *)8 = 1;
    if (!strcmp(how, "segv-caught")) {
        signal(SIGSEGV, caught);
        *(volatile int *)8 = 1;
    }
    if (!strcmp(how, "free")) /* libc finds it out and aborts, inside free */
        free(bad);
    if (!strcmp(how, "free-segv")) /* a fault inside free */
        free((void *)0x10);
    if (!strcmp(how, "kill"))
        kill(getpid(), SIGKILL);
    if (!strcmp(how, "_exit"))
        _exit(3);
    return 4;
}
