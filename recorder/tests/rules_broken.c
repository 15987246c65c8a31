/* rules_broken.c - what must hold (must.h), broken on purpose: each rule is to be named.
 *
 *     rules_broken table | block | live | none
 */
#include "host/history/inside.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    struct history h = {.group_count = 1, .group_room = 1};
    struct process p = {0};
    struct block block = {.address = 0x1000, .counted = 13, .group = 1, .number = 1};
    h.groups = calloc(1, sizeof *h.groups);
    h.stages.changed = calloc(1, sizeof *h.stages.changed);
    block_put_new(&h, &p, &block);
    if (strcmp(what, "table") == 0)
        table_put(&p.live, 0x2000, 0);
    else if (strcmp(what, "block") == 0)
        p.blocks[0].address += 4096;
    else if (strcmp(what, "none") == 0)
        h.groups[0].live = h.live = 13, h.groups[0].live_blocks = 1;
    if (block_take(&p, 0x1000, &block))
        live_free(&h, &block); /* live: it was never counted */
    blocks_free(&p);
    free(h.groups);
    free(h.stages.changed);
    return 0;
}
