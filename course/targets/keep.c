#include <stdlib.h>
#include <string.h>

#ifndef REQUESTS
#define REQUESTS 5
#endif

static char *settings;

static void read_settings(void)
{
    settings = strdup("a line that is read until the end");
}

static void answer_request(void)
{
    char *answer = malloc(100);

    answer[0] = 1;
}

int main(void)
{
    read_settings();
    for (int request = 0; request < REQUESTS; request++)
        answer_request();
    return settings[0] ? 0 : 1;
}
