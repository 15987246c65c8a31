/* deep.c - allocates in a recursion: on each of DEPTH levels on the way down ("down"), or at the
 * bottom only ("dive"), and on the way up again. Arguments: what, DEPTH, and every how many levels. */
#include <stdlib.h>
#include <string.h>

static int every;

static void use(size_t size)
{
    char *block = malloc(size);
    if (!block)
        exit(1);
    block[0] = 1;
    free(block);
}

static void down(int left, int is_dive)
{
    if (!is_dive && left % every == 0)
        use(1009);
    if (left)
        down(left - 1, is_dive);
    else
        use(1013);
    if (left % every == 0)
        use(1019);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    every = atoi(argv[3]);
    down(atoi(argv[2]), !strcmp(argv[1], "dive"));
    return 0;
}
