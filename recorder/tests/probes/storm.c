/* storm.c - a timer's signals land anywhere while main allocates, and their handler allocates too.
 * Prints what each has asked for. Argument: "jump": now and then the handler leaves by siglongjmp.
 */
#include "own_malloc.h"
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long in_main, in_handler, jumps;
static volatile int jumping;
static sigjmp_buf back;

static void handler(int number)
{
    char *p = malloc(1013);
    p[0] = 1;
    free(p);
    in_handler++;
    if (jumping && in_handler % 3 == 0) {
        jumps++;
        siglongjmp(back, number);
    }
}

int main(int argc, char **argv)
{
    char text[128];
    struct itimerval every = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    jumping = argc > 1 && !strcmp(argv[1], "jump");
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &every, NULL);
    sigsetjmp(back, 1);
    while (in_handler < 499) {
        in_main++; /* before: a jump may come in between */
        char *p = malloc(1009);
        p[7] = 1;
        if (!jumping || in_main % 2)
            free(p);
        for (volatile int i = 0; i < 500; i++)
            ;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    int n =
        snprintf(text, sizeof text, "main %ld handler %ld jumps %ld\n", in_main, in_handler, jumps);
    return write(1, text, (size_t)n) != n;
}
