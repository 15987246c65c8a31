/* hungry.c - asks for a megabyte at a time until there is no more, at most so many times. Prints
 * whether it got them. For limits of address space. Argument: how many. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    int wanted = argc > 1 ? atoi(argv[1]) : 10, got = 0;
    while (got < wanted && malloc(1048583))
        got++;
    printf("got %d of %d\n", got, wanted);
    return 0;
}
