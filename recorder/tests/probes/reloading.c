/* reloading.c - a library that comes and goes, also into a namespace of its own. Arguments: its
 * path, how often, how often into a namespace. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static int use(void *handle)
{
    void *(*work)(void) = handle ? (void *(*)(void))dlsym(handle, "work") : 0;
    if (!work)
        return 1;
    free(malloc(1009));
    work();
    return dlclose(handle);
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 0; argc > 2 && i < atoi(argv[2]); i++)
        failed += use(dlopen(argv[1], RTLD_NOW));
    for (int i = 0; argc > 3 && i < atoi(argv[3]); i++)
        failed += use(dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW));
    printf("failed %d\n", failed);
    return 0;
}
