/* eval_array.c - arithmetic with its tokens in one array, which doubles: the article's plan.
 *
 * Idea:     an allocation each time the tokens have doubled, and one free an expression.
 * Do:       make run-eval_array
 * Expect:   user realloc 12 free 4 ; user malloc|calloc 0 ; leaked user 0 0 ; exit 0
 * Look for: 64, 128, 256, 512: four calls for up to 32 tokens, where a list has 32.
 */
#include "expressions.h"
#include "tokens.h"

static const struct token *following(const struct token *token)
{
    return token + 1;
}

static int evaluate(const char *text, double *value)
{
    struct token *tokens = NULL;
    size_t count = 0, room = 0;
    do {
        if (count == room) {
            room = room ? 2 * room : 4;
            struct token *grown = realloc(tokens, room * sizeof *tokens);
            if (!grown)
                return free(tokens), 0;
            tokens = grown;
        }
        text = read_token(text, &tokens[count]);
    } while (tokens[count++].kind);
    *value = value_of(tokens);
    free(tokens);
    return 1;
}

int main(int argc, char **argv)
{
    return evaluate_all(argc, argv);
}
