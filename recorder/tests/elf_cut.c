/* elf_cut.c FILE [bare|ours]: a file that is cut off while its tables are read. Prints whether pages
 * were gone; bare: without the guard; ours: it lies in memory that is not guarded. */
#include "host/unwind/rows.h"
#include "host/base/guard.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_all_ours;
static bool is_ours(uint64_t address)
{
    return is_all_ours && address != 0;
}

int main(int argc, char **argv)
{
    struct elf elf;
    struct frames frames;
    is_all_ours = argc > 2 && strcmp(argv[2], "ours") == 0;
    if (argc < 3 || is_all_ours)
        guard_begin(is_ours);
    if (argc < 2 || elf_open(&elf, argv[1]) != 0 || truncate(argv[1], 64) != 0)
        return 2;
    int result = frames_read(&frames, &elf);
    frames_free(&frames);
    elf_close(&elf);
    printf("%s\n", result == 0 && guard_pages() > 0 ? "read on" : "nothing was gone");
    return 0;
}
