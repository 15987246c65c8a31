/* unwind_here.h - the unwind tables of the running process itself, for tests. */
#ifndef UNWIND_HERE_H
#define UNWIND_HERE_H

#include "host/unwind/rows.h"
#include "unwind_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HERE_MODULES 256

/* A mapping that can be executed, and the lowest mapping of the same file before it. */
struct here_line {
    uint64_t start, end, first;
    char path[512];
};

static size_t here_code(struct here_line *lines, uint64_t *stack_low, uint64_t *stack_high)
{
    struct here_line now;
    uint64_t first = 0;
    char text[1024], perms[8], last[512] = "";
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(text, sizeof text, maps)) {
        now.path[0] = 0;
        sscanf(text, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %511[^\n]", &now.start, &now.end,
               perms, now.path);
        if (strcmp(now.path, last))
            first = now.start;
        strcpy(last, now.path);
        now.first = first;
        if (!strcmp(now.path, "[stack]")) {
            *stack_low = now.start;
            *stack_high = now.end;
        }
        if (perms[2] == 'x' && now.path[0] == '/' && count < HERE_MODULES)
            lines[count++] = now;
    }
    if (maps)
        fclose(maps);
    return count;
}

/* One version of tables of everything that is mapped as code now. Never freed. */
static struct unwind_tables *here_tables(uint64_t *stack_low, uint64_t *stack_high)
{
    static struct here_line lines[HERE_MODULES];
    size_t count = here_code(lines, stack_low, stack_high);
    char *area = mmap(NULL, 1ul << 28, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct unwind_tables *tables = (void *)area;
    uint64_t used = sizeof *tables + count * sizeof *tables->modules;
    tables->version = 1;
    for (size_t i = 0; i < count; i++) {
        struct unwind_module *module = &tables->modules[tables->count++];
        struct elf elf;
        struct unwind_rows frames;
        *module = (struct unwind_module){.start = lines[i].start, .end = lines[i].end};
        if (elf_open(&elf, lines[i].path) != 0 || rows_read(&frames, &elf) != 0 ||
            !rows_pack(&frames))
            continue;
        module->base = lines[i].first;
        module->rows = frames.rows;
        module->pcs = used;
        memcpy(area + used, frames.pcs, frames.rows * 4);
        used += frames.rows * 4;
        module->kind = used;
        memcpy(area + used, frames.kind, frames.rows * 2);
        used = (used + frames.rows * 2 + 7) & ~7ul;
        module->what = used;
        memcpy(area + used, frames.kinds, frames.kind_count * 8);
        used += frames.kind_count * 8;
        rows_free(&frames);
        elf_close(&elf);
    }
    return tables;
}

#endif
