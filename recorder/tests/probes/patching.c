/* patching.c - a program that puts a jump of its own at malloc's entry: for a while (`while`), or for
 * good and through /proc/self/mem (`good`). Else it does nothing of the kind. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char pool[1 << 16];
static size_t used;
static unsigned char jump[13] = {0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3}, old[13];

static void *mine(size_t size)
{
    used += (size + 15) & ~(size_t)15;
    return pool + used - ((size + 15) & ~(size_t)15);
}

static int is_mine(void *block)
{
    return (char *)block >= pool && (char *)block < pool + sizeof pool;
}

static int for_a_while(void)
{
    unsigned char *entry = (unsigned char *)malloc;
    void *page = (void *)((uintptr_t)entry & ~(uintptr_t)4095);
    memcpy(old, entry, sizeof old);
    mprotect(page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy(entry, jump, sizeof jump);
    void *volatile one = malloc(2102);
    memcpy(entry, old, sizeof old);
    mprotect(page, 8192, PROT_READ | PROT_EXEC);
    return is_mine(one);
}

static int for_good(void)
{
    int memory = open("/proc/self/mem", O_RDWR);
    off_t entry = (off_t)(uintptr_t)malloc;
    int done = pwrite(memory, jump, sizeof jump, entry) == sizeof jump;
    void *volatile one = malloc(2102);
    return done && is_mine(one);
}

int main(int argc, char **argv)
{
    uint64_t to = (uint64_t)mine;
    memcpy(jump + 2, &to, sizeof to);
    free(malloc(2101));
    int good = 1;
    if (argc > 1)
        good = strcmp(argv[1], "while") == 0 ? for_a_while() : for_good();
    void *volatile last = malloc(2104);
    return good && last ? 0 : 1;
}
