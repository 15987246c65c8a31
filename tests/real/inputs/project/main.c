/* main.c - a small project of four files. */
#include "parts.h"
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *text = text_of(table_sum(list_of(101)));
    puts(text ? text : "none");
    free(text);
    return 0;
}
