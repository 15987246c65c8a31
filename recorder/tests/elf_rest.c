/* elf_rest.c FILE [memory]: KiB of FILE that are in this process's memory once all of it was looked at,
 * and after elf_rest; then whether it still reads the same. memory: of a copy in plain memory. */
#include "host/elf/elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t sum(const struct elf *elf)
{
    uint64_t total = 0;
    for (size_t i = 0; i < elf->size; i++)
        total = total * 31 + elf->data[i];
    return total;
}

static unsigned long resident(const struct elf *elf)
{
    unsigned long at, kib = 0, start, found = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%*x ", &at) == 1)
            start = at;
        else if (sscanf(line, "Rss: %lu kB", &kib) == 1 && start == (unsigned long)elf->data)
            found = kib;
    }
    if (maps != NULL)
        fclose(maps);
    return found;
}

int main(int argc, char **argv)
{
    struct elf elf, copy;
    if (argc < 2 || elf_open(&elf, argv[1]) != 0)
        return 2;
    if (argc > 2) {
        void *data =
            mmap(NULL, elf.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data == MAP_FAILED ||
            elf_open_memory(&copy, memcpy(data, elf.data, elf.size), elf.size))
            return 2;
        elf = copy;
    }
    uint64_t before = sum(&elf);
    unsigned long looked = resident(&elf);
    elf_rest(&elf);
    unsigned long rested = resident(&elf);
    printf("%lu %lu %d\n", looked, rested, sum(&elf) == before);
    return 0;
}
