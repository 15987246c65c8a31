/* sanitized.c - for compilers' sanitizers: allocates and frees, from one thread and another. Argument:
 * the name of a sanitizer, to make a mistake that it finds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int shared_number;
static void *volatile lost;

static void *count(void *arg)
{
    for (int i = 0; i < 101; i++)
        free(malloc(1009));
    shared_number++;
    return arg;
}

static int mistake(const char *what)
{
    char *block = malloc(2311);
    if (strcmp(what, "address") == 0) {
        free(block);
        return block[7];
    }
    if (strcmp(what, "memory") == 0 && block[7] == 'x')
        puts("it is an x");
    if (strcmp(what, "leak") == 0)
        block = lost = NULL;
    if (strcmp(what, "undefined") == 0)
        return shared_number + (0x7fffffff + (int)strlen(what));
    free(block);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    const char *what = argc > 1 ? argv[1] : "";
    char *block = malloc(2301);
    block[0] = 1;
    if (pthread_create(&thread, NULL, count, NULL))
        return 99;
    if (strcmp(what, "thread") == 0)
        shared_number++;
    pthread_join(thread, NULL);
    int result = argc > 1 ? mistake(what) : 0;
    printf("%d\n", block[0]);
    free(block);
    return result == 17;
}
