#include <stdlib.h>
#include <string.h>

#define MOST 100

/* Each argument is a statement: m24 asks for 24 bytes, f1 frees what statement 1 asked for, r1:80
   makes it 80 bytes, t1 writes to all of it. */
int main(int count, char **words)
{
    char *blocks[MOST] = {0};
    size_t sizes[MOST] = {0};

    for (int at = 1; at < count && at < MOST; at++) {
        const char *word = words[at], *behind = strchr(word, ':');
        size_t number = strtoul(word + 1, NULL, 10);
        if (word[0] == 'm') {
            blocks[at] = malloc(sizes[at] = number);
        } else if (number < MOST && word[0] == 'f') {
            free(blocks[number]);
        } else if (number < MOST && word[0] == 'r' && behind) {
            sizes[number] = strtoul(behind + 1, NULL, 10);
            blocks[number] = realloc(blocks[number], sizes[number]);
        } else if (number < MOST && word[0] == 't' && blocks[number]) {
            memset(blocks[number], 1, sizes[number]);
        }
    }
    return 0;
}
