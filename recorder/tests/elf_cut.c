/* elf_cut.c FILE [bare]: a file that is cut off while its tables are read. Prints how many pages were
 * gone; bare: without the guard. */
#include "host/frames.h"
#include "host/guard.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct elf elf;
    struct frames frames;
    if (argc < 3 || strcmp(argv[2], "bare") != 0)
        guard_begin();
    if (argc < 2 || elf_open(&elf, argv[1]) != 0 || truncate(argv[1], 64) != 0)
        return 2;
    int result = frames_read(&frames, &elf);
    frames_free(&frames);
    elf_close(&elf);
    printf("%s\n", result == 0 && guard_pages() > 0 ? "read on" : "nothing was gone");
    return 0;
}
