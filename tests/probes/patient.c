/* patient.c - allocates, then waits to be interrupted: once for its handler, then for the end. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void handler(int number)
{
    (void)number;
    free(malloc(1013));
}

int main(void)
{
    void *p = malloc(1009);
    signal(SIGUSR1, handler);
    pause();
    free(p);
    pause();
    return 0;
}
