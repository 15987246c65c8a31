/* grow.c - mexe_eval: memory that grows. The one file that needs an operating system (Linux). */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <errno.h>

#include "core.h"
#include "must.h"

#include <string.h>

enum { FIXED = 4096, FIRST_MAPPING = 64 * 1024 };

struct growing {
    struct mexe_memory memory; /* first: it is what mexe_run knows */
    size_t mapped;             /* bytes; 0 while BASE is the fixed area */
};

/* The kernel gives pages when they are first touched: twice as much costs nothing yet. */
static bool grow(struct mexe_memory *memory, size_t used)
{
    struct growing *growing = (struct growing *)memory;
    size_t size = growing->mapped ? 2 * growing->mapped : FIRST_MAPPING;
    int saved = errno;
    void *base = growing->mapped
                     ? mremap(memory->base, growing->mapped, size, MREMAP_MAYMOVE)
                     : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = saved;
    must(used < size, "the memory that grows holds all that was used of it");
    if (base == MAP_FAILED)
        return false;
    if (!growing->mapped)
        memcpy(base, memory->base, used);
    growing->mapped = size;
    memory->base = base;
    memory->limit = memory->base + size;
    return true;
}

enum mexe_status mexe_eval(const char *text, size_t length, double *result,
                           struct mexe_error *error)
{
    unsigned char fixed[FIXED];
    struct growing growing = {{fixed, fixed + sizeof fixed, grow}, 0};
    enum mexe_status status = mexe_run(text, length, result, error, &growing.memory);
    if (growing.mapped)
        munmap(growing.memory.base, growing.mapped);
    return status;
}
