/* tokens.h - for eval_list and eval_array: from text to tokens, and from tokens to the value.
 *
 * The parser is the same for both; how it gets from a token to the next one is what differs. It
 * takes only what is right: no check of what a program for people would have to say. */
#include <math.h>
#include <stdlib.h>

struct token {
    double number;
    char kind; /* '0' for a number, else the character itself; '\0' for the end */
};

/* Fills in the first token of `text`; what is behind it. */
static const char *read_token(const char *text, struct token *token)
{
    char *end = (char *)text + 1;
    while (*text == ' ')
        end = (char *)++text + 1;
    token->kind = *text;
    if (*text >= '0' && *text <= '9') {
        token->kind = '0';
        token->number = strtod(text, &end);
    }
    return end;
}

/* The token behind this one, which is not the end. */
static const struct token *following(const struct token *token);

/* The token at *at, which is then the following one. */
static const struct token *take(const struct token **at)
{
    const struct token *token = *at;
    if (token->kind)
        *at = following(token);
    return token;
}

static double sum_of(const struct token **at);

static double operand(const struct token **at)
{
    const struct token *token = take(at);
    if (token->kind == '-')
        return -operand(at);
    if (token->kind != '(')
        return token->kind == '0' ? token->number : NAN;
    double value = sum_of(at);
    take(at);
    return value;
}

static double product_of(const struct token **at)
{
    double value = operand(at);
    while ((*at)->kind == '*' || (*at)->kind == '/')
        value = take(at)->kind == '*' ? value * operand(at) : value / operand(at);
    return value;
}

static double sum_of(const struct token **at)
{
    double value = product_of(at);
    while ((*at)->kind == '+' || (*at)->kind == '-')
        value = take(at)->kind == '+' ? value + product_of(at) : value - product_of(at);
    return value;
}

/* The value of the tokens from this one to the end; not a number where some are left over. */
static double value_of(const struct token *first)
{
    double value = sum_of(&first);
    return first->kind ? NAN : value;
}
