/* leak.c - a block that nobody frees: the sanitizer says so, and ends with a status of its own. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *volatile text = malloc(1009);
    if (text)
        memset(text, 1, 1009);
    text = NULL;
    return text != NULL;
}
