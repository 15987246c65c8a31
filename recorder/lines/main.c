/* brkpoint-lines - what debug information says of addresses, where that is sure to be what gdb would
 * say: started by start/lines.py, which tells it all at descriptor 0.
 *
 * For each file: the length of its path, the path, the number of addresses, the addresses; numbers
 * have 8 bytes. It says its name and version (start/lines.py), and a line for each address, which is
 * its answer: answers.h. It is a program of its own, with
 * limits of its own: whatever a damaged file does to it, gdb is asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <signal.h>

#include "answers.h"

#define MOST_ADDRESSES (1u << 22)
#define MOST_PATH 65536
#define MOST_SECONDS 20
#define MOST_BYTES (2ul << 30)

static bool take(void *room, size_t size)
{
    return fread(room, 1, size, stdin) == size;
}

static void limit(void)
{
    struct rlimit seconds = {MOST_SECONDS, MOST_SECONDS}, bytes = {MOST_BYTES, MOST_BYTES},
                  none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CPU, &seconds);
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
    setrlimit(RLIMIT_AS, &bytes);
#endif
    (void)bytes;
}

int main(int count, char **words)
{
    (void)words;
    if (count != 1) {
        fputs("brkpoint-lines: a part of brkpoint, which starts it to name functions\n", stderr);
        return 2;
    }
    limit();
    printf("brkpoint-lines %u\n", LINES_VERSION);
    uint64_t size, addresses;
    while (take(&size, sizeof size)) {
        static char path[MOST_PATH + 1];
        if (size > MOST_PATH || !take(path, size) || !take(&addresses, sizeof addresses) ||
            addresses > MOST_ADDRESSES)
            return 1;
        path[size] = 0;
        uint64_t *list = malloc((addresses + 1) * sizeof *list);
        if (list == NULL || !take(list, addresses * sizeof *list))
            return 1;
        answers_print(path, list, addresses);
        if (fflush(stdout))
            return 1;
        free(list);
    }
    return 0;
}
