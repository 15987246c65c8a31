/* code_files.c - what host/modules/code_files.c says of a process, a line a file: start, end, bias, path. */
#define _GNU_SOURCE
#include "host/modules/code_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool read_memory(const void *context, uint64_t address, void *bytes, size_t size)
{
    return pread(*(const int *)context, bytes, size, (off_t)address) == (ssize_t)size;
}

int main(int argc, char **argv)
{
    char path[64];
    struct maps maps;
    int pid = argc > 1 ? atoi(argv[1]) : getpid();
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    if (memory < 0 || !maps_read(&maps, pid))
        return 1;
    struct code_file *files = calloc(maps.count + 1, sizeof *files);
    size_t count = files ? code_files(&maps, read_memory, &memory, files, maps.count) : 0;
    for (size_t i = 0; i < count; i++) {
        struct code_file *f = &files[i];
        printf("%lx %lx %lx %s%c", f->start, f->end, f->has_bias ? f->bias : 1, f->first->path, 0);
    }
    free(files);
    maps_free(&maps);
    return 0;
}
