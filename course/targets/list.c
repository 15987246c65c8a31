#include <stdlib.h>

#define TEXT "10+20-5+7-2+8"

struct token {
    char sign;
    long number;
    struct token *next;
};

static struct token *read_token(const char **at)
{
    struct token *token = malloc(sizeof *token);

    token->sign = **at == '-' ? '-' : '+';
    *at += **at == '-' || **at == '+';
    token->number = strtol(*at, (char **)at, 10);
    token->next = NULL;
    return token;
}

int main(void)
{
    const char *at = TEXT;
    struct token *first = NULL, **last = &first;
    long sum = 0;

    for (; *at; last = &(*last)->next)
        *last = read_token(&at);
    while (first) {
        struct token *token = first;
        sum += token->sign == '-' ? -token->number : token->number;
        first = token->next;
        free(token);
    }
    return sum == 38 ? 0 : 1;
}
