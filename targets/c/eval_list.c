/* eval_list.c - arithmetic with its tokens in a linked list.
 *
 * Idea:     an allocation a token, and a free for each: 24 bytes asked for, 32 taken.
 * Do:       make run-eval_list
 * Expect:   user malloc(24) 79 free 79 ; user calloc|realloc 0 ; leaked user 0 0 ; exit 0
 * Look for: 79 calls for four short expressions, and only the first of them asks the kernel.
 */
#include "expressions.h"
#include "tokens.h"

struct node {
    struct token token;
    struct node *next;
};

static const struct token *following(const struct token *token)
{
    return &((const struct node *)token)->next->token;
}

static int evaluate(const char *text, double *value)
{
    struct node *first = NULL, *node = NULL, **last = &first;
    for (; !node || node->token.kind; last = &node->next, *last = NULL) {
        if (!(*last = node = malloc(sizeof *node)))
            return 0;
        text = read_token(text, &node->token);
    }
    *value = value_of(&first->token);
    for (; (node = first); free(node))
        first = node->next;
    return 1;
}

int main(int argc, char **argv)
{
    return evaluate_all(argc, argv);
}
