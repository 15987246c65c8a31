/* tsc.c - prctl(PR_SET_TSC) makes rdtsc a fault: who reads the clock that way dies. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

int main(void)
{
    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0))
        return 77;
    for (int i = 0; i < 101; i++)
        free(malloc(1009));
    puts("alive");
    return 7;
}
