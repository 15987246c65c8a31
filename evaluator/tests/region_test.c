/* region_test.c - evaluates the lines of a file, or of `deep` a text that nests too deep for the stack,
 * each in the region `evaluation`: brkpoint.budget says what may happen there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brkpoint_region.h"
#include "mexe.h"

enum { LONGEST = 1 << 16, DEEP = 1 << 14 };

static double evaluate(const char *text, size_t length)
{
    double result = 0;
    brkpoint_region_begin("evaluation");
    mexe_eval(text, length, &result, NULL);
    brkpoint_region_end();
    return result;
}

static void evaluate_deep(void)
{
    static char text[8 * DEEP];
    size_t length = 0;
    for (int i = 0; i < DEEP; i++, length += 4)
        memcpy(text + length, "(-1*", 4);
    text[length++] = '1';
    for (int i = 0; i < DEEP; i++)
        text[length++] = ')';
    printf("%g\n", evaluate(text, length));
}

int main(int argc, char **argv)
{
    static char line[LONGEST];
    volatile double sum = 0; /* each result is used */
    if (argc == 2 && strcmp(argv[1], "deep") == 0) {
        evaluate_deep();
        return 0;
    }
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL)
        return 2;
    while (fgets(line, sizeof line, file) != NULL)
        sum += evaluate(line, strlen(line));
    fclose(file);
    return 0;
}
