/* layout_host.c - starts what tests/test_layouts.py wants to see.
 *
 * library PATH [TIMES]:  its give(3), each time in a namespace of its own.
 * memory PROGRAM:        a program that is a file in memory only.
 * replaced PROGRAM:      itself, its file replaced by PROGRAM while it runs.
 * moved:                 its own text, copied to anonymous memory at the same place.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

void *kept;

__attribute__((noinline)) void give(int n)
{
    kept = malloc(1100 + n);
    __asm__ volatile("" ::: "memory");
}

static int library(const char *path, int times)
{
    for (int i = 0; i < times; i++) {
        void *handle = i ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : dlopen(path, RTLD_NOW);
        void (*theirs)(int) = handle ? (void (*)(int))dlsym(handle, "give") : NULL;
        if (!theirs)
            return 2;
        theirs(3);
    }
    return 0;
}

static int in_memory(const char *path)
{
    int file = open(path, O_RDONLY), memory = memfd_create("a program", MFD_CLOEXEC);
    while (sendfile(memory, file, 0, 1 << 20) > 0)
        ;
    char *argv[] = {"a program", NULL};
    fexecve(memory, argv, environ);
    return 2;
}

static int replaced(const char *by)
{
    char own[4096];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    own[length > 0 ? length : 0] = 0;
    if (rename(by, own) != 0)
        return 2;
    void *handle = dlopen("libm.so.6", RTLD_NOW); /* both engines look at the mappings again */
    give(3);
    return !handle;
}

/* As node's --use-largepages does, all but the pages of this function's own code being the same. */
__attribute__((section(".mover"), noinline)) static int moved(void)
{
    extern char __executable_start, etext;
    char *from = (char *)((uintptr_t)&give & ~4095ul);
    size_t size = 8192;
    void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(copy, from, size);
    if (mprotect(copy, size, PROT_READ | PROT_EXEC) != 0 ||
        mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, from) != from)
        return 2;
    void *handle = dlopen("libm.so.6", RTLD_NOW);
    give(3);
    return !handle || &__executable_start > &etext;
}

int main(int argc, char **argv)
{
    if (argc > 2 && !strcmp(argv[1], "library"))
        return library(argv[2], argc > 3 ? atoi(argv[3]) : 1);
    if (argc > 2 && !strcmp(argv[1], "memory"))
        return in_memory(argv[2]);
    if (argc > 2 && !strcmp(argv[1], "replaced"))
        return replaced(argv[2]);
    return moved();
}
