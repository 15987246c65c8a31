/* deep_test.c - texts of many megabytes, one a run, so that its memory can be told.
 *
 *     deep_test KIND BYTES [reference]     prints status, position, value, and the peak in KiB
 *
 * With `reference` the recursive evaluator gets the same text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mexe.h"
#include "reference.h"

/* HEAD as often as fits, MIDDLE, and TAIL as often as HEAD. */
static const struct kind {
    const char *name, *head, *middle, *tail;
} kinds[] = {
    {"unclosed", "(", "", ""},   {"closed", "(", "1", ")"},       {"sums", "1+(", "1", ")"},
    {"minuses", "-(", "1", ")"}, {"products", "1-2*(", "1", ")"}, {"spaced", "( ", "1", "\n)"},
    {"flat", "1+", "1", ""},     {"blank", " ", "", ""},          {"digits", "1", "", ""},
    {"zeros", "0", ".5", "0"},
};

static char *repeat(char *p, const char *piece, size_t count)
{
    for (size_t size = strlen(piece); count; count--, p += size)
        memcpy(p, piece, size);
    return p;
}

static char *make(const struct kind *kind, size_t bytes, size_t *length)
{
    size_t each = strlen(kind->head) + strlen(kind->tail);
    size_t count = (bytes - strlen(kind->middle)) / each;
    char *text = malloc(bytes);
    if (!text)
        abort();
    char *p = repeat(text, kind->head, count);
    p = repeat(p, kind->middle, 1);
    *length = (size_t)(repeat(p, kind->tail, count) - text);
    return text;
}

/* The most that was resident, in KiB, since the program began: getrusage() counts also what stood at
 * its place before its exec. -1: the kernel does not tell. */
static long peak_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && kib < 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %ld", &kib) != 1)
            kib = -1;
    if (file != NULL)
        fclose(file);
    return kib;
}

int main(int argc, char **argv)
{
    struct mexe_error error = {0};
    double value = 0;
    size_t length, i = 0;
    if (argc < 3)
        return 2;
    while (strcmp(kinds[i].name, argv[1]) != 0)
        if (++i == sizeof kinds / sizeof *kinds)
            return 2;
    char *text = make(&kinds[i], strtoul(argv[2], NULL, 10), &length);
    if (argc > 3)
        error.status = reference_eval(text, length, &value, &error.position);
    else
        mexe_eval(text, length, &value, &error);
    printf("%d %zu %.17g %ld\n", error.status, error.position, value, peak_kib());
    free(text);
    return 0;
}
