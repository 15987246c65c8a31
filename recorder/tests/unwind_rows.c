/* unwind_rows.c - prints the rows that host/unwind/rows.h makes of a file, for the comparison with
 * another reader. With "time": only how long reading took. */
#include "host/unwind/rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const kinds[] = {"none", "lost",  "end",   "rsp", "rbp",
                                    "rbx",  "at_bp", "at_sp", "plt", "signal"};

static void print_rows(const struct frames *frames)
{
    for (size_t i = 0; i < frames->rows; i++) {
        uint64_t what = frames->what[i];
        printf("row %" PRIx64 " %s %" PRId64 " %" PRId64 " %" PRId64 "%s%s%s\n",
               frames->base + frames->pcs[i], kinds[UNWIND_KIND(what)], UNWIND_CFA(what),
               UNWIND_SAVED_BP(what), UNWIND_SAVED_BX(what), what & UNWIND_FIRST ? " first" : "",
               what & UNWIND_SYNTHETIC ? " synthetic" : "",
               what & UNWIND_GUESSED ? " guessed" : "");
    }
    for (size_t i = 0; i < frames->extent_count; i++)
        printf("extent %" PRIx64 " %" PRIx64 "\n", frames->extents[i].low, frames->extents[i].high);
}

static double milliseconds(const struct timespec *from, const struct timespec *to)
{
    return (to->tv_sec - from->tv_sec) * 1e3 + (to->tv_nsec - from->tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
    struct elf elf;
    struct frames frames;
    struct timespec start, end;
    if (argc < 2 || elf_open(&elf, argv[1]) != 0)
        return fprintf(stderr, "unwind_rows: %s\n", argc < 2 ? "no file named" : elf.error), 2;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (frames_read(&frames, &elf) != 0)
        return fprintf(stderr, "unwind_rows: out of memory\n"), 2;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    if (argc > 2 && !strcmp(argv[2], "time"))
        printf("%zu rows, %zu functions, %zu of them from instructions, %zu lost, %.1f ms\n",
               frames.rows, frames.extent_count + frames.synthetic, frames.synthetic, frames.lost,
               milliseconds(&start, &end));
    else
        print_rows(&frames);
    frames_free(&frames);
    elf_close(&elf);
    return 0;
}
