#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SIZE (32UL * 1024 * 1024)
#define PAGE 4096

static void write_to_each_page(char *block)
{
    for (size_t at = 0; at < SIZE; at += PAGE)
        block[at] = 1;
}

int main(void)
{
    char *block = malloc(SIZE);
    pid_t child = 0;

    if (!block)
        return 1;
    write_to_each_page(block);
    /* here */
    write_to_each_page(block);
    if (child > 0)
        kill(child, SIGKILL);
    return 0;
}
