/* dlopen.c - a library loaded while the program runs.
 *
 * Idea:     the loader works again in the middle of main, now with libc's malloc, for the user.
 * Do:       make run-dlopen
 * Expect:   phase main user malloc(1013) 1 ; phase main loader malloc 1+ calloc 1+ mmap 4+ munmap 1+ ;
 *           phase main loader brk 0+ ; exit 0
 * Look for: the link_map and the name of plugin.so, and its segments one by one.
 */
#include <dlfcn.h>
#include <stdlib.h>

int main(void)
{
    void *plugin = dlopen("plugin.so", RTLD_NOW); /* found through the rpath $ORIGIN */
    if (!plugin)
        return 1;
    void *(*work)(void) = (void *(*)(void))dlsym(plugin, "plugin_work");
    if (!work)
        return 2;
    void *block = work();
    if (!block)
        return 3;
    free(block);
    return dlclose(plugin);
}
