/* prefixed.c - jemalloc's functions under the prefix that Rust programs give them.
 *
 * Idea:     an allocator under another name allocates all the same.
 * Do:       make run-prefixed
 * Expect:   user malloc(2401) 1 malloc(2411) 1 realloc(2417) 1 realloc(5003) 1 free 2 ;
 *           user nested malloc 1 ; failed realloc 1 ; leaked user 0 0 ; user syscalls 0 ; exit 0
 * Look for: `align 64`, which mallocx has in its flags; the realloc that xallocx refused.
 */
#include <stddef.h>

void *_rjem_malloc(size_t size) /* a page each */
{
    static char pool[4][4096], used;
    return size <= 4096 && used < 4 ? pool[(int)used++] : NULL;
}

void *_rjem_mallocx(size_t size, int flags)
{
    return flags == 6 ? _rjem_malloc(size) : NULL; /* 2^6 bytes, as pages are */
}

size_t _rjem_xallocx(void *block, size_t size, size_t extra, int flags) /* the size it has now */
{
    return block && flags == 0 && size + extra <= 4096 ? size + extra : 4096;
}

void _rjem_sdallocx(void *block, size_t size, int flags)
{
    (void)block, (void)size, (void)flags;
}

int main(void)
{
    char *one = _rjem_malloc(2401), *two = _rjem_mallocx(2411, 6);
    size_t grown = _rjem_xallocx(one, 2417, 0, 0), refused = _rjem_xallocx(two, 5003, 0, 0);
    _rjem_sdallocx(one, 2417, 0);
    _rjem_sdallocx(two, 2411, 6);
    return grown == 2417 && refused == 4096 ? 0 : 1;
}
