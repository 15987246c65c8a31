#include <stdlib.h>

#define TEXT "10+20-5+7-2+8"

struct token {
    char sign;
    long number;
};

int main(void)
{
    const char *at = TEXT;
    size_t room = 4, used = 0;
    struct token *tokens = malloc(room * sizeof *tokens);
    long sum = 0;

    while (*at) {
        if (used == room)
            tokens = realloc(tokens, (room *= 2) * sizeof *tokens);
        tokens[used].sign = *at == '-' ? '-' : '+';
        at += *at == '-' || *at == '+';
        tokens[used++].number = strtol(at, (char **)&at, 10);
    }
    for (size_t which = 0; which < used; which++)
        sum += tokens[which].sign == '-' ? -tokens[which].number : tokens[which].number;
    free(tokens);
    return sum == 38 ? 0 : 1;
}
