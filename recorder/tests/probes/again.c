/* again.c FILE: from `go` on it begins itself anew again and again, until `end`. */
#include "attached.h"

int main(int argc, char **argv)
{
    (void)argc;
    page_open(argv[1]);
    page->pid = (uint64_t)getpid();
    do {
        free(malloc(101));
        count(&page->rounds);
        usleep(1000);
    } while (!page->go && !page->end);
    if (!page->end)
        execv(argv[0], argv);
    return 7;
}
