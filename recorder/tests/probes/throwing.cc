/* throwing.cc - an allocator of the program's own that throws, and one that looks at its callers:
 * the way back to them leads through the recorder. Argument: "throw" or "backtrace". */
#include <cstdio>
#include <cstring>
#include <execinfo.h>

static int mode, seen;
extern "C" void *__libc_malloc(std::size_t);
void *
own_malloc(std::size_t size) __asm__("malloc"); /* under its own name no compiler expects it */
__attribute__((noinline)) void *own_malloc(std::size_t size)
{
    if (size == 1009 && mode == 1)
        throw 1013;
    void *frames[64];
    if (size == 1009 && mode == 2)
        seen = backtrace(frames, 64);
    return __libc_malloc(size);
}

int main(int argc, char **argv)
{
    void *frames[64];
    int caught = 0, here = backtrace(frames, 64); /* loads what it needs */
    mode = argc > 1 && !std::strcmp(argv[1], "throw") ? 1 : 2;
    try {
        static void *volatile kept = own_malloc(1009);
        (void)kept;
    } catch (int number) {
        caught = number;
    }
    mode = 0;
    std::printf("caught %d, in the allocator %d frames more\n", caught, seen ? seen - here : 0);
    return 0;
}
