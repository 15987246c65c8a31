/* plugin.c - the library that dlopen.c loads.
 *
 * Idea:     a user's library: what it allocates is the user's.
 * Do:       make run-dlopen
 * Expect:   phase main user malloc(1013) 1 free 1 ; exit 0
 * Look for: the block of 1013 bytes, asked for by plugin_work in plugin.so.
 */
#include <stdlib.h>

void *plugin_work(void)
{
    return malloc(1013);
}
