/* text.c - a number as text. */
#include "parts.h"
#include <stdio.h>
#include <stdlib.h>

char *text_of(int number)
{
    char *text = malloc(23);
    if (text)
        snprintf(text, 23, "number %d", number);
    return text;
}
