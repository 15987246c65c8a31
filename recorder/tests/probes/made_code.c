/* made_code.c none|map|hole|twice|gate - system calls that no hook sees, for mapped.h.
 *
 * map: mmap by an instruction in code that the program wrote; hole: the same, in a place that was
 * mapped and given back before by calls that are seen; twice: unmapped again; gate: int 0x80. */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* mov %rdi,%rax; mov %rsi,%rdi; mov %rdx,%rsi; mov %rcx,%rdx; mov %r8,%r10; mov %r9,%r8;
 * mov 8(%rsp),%r9; syscall; ret */
static const unsigned char call[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6,
                                     0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d, 0x89, 0xc8,
                                     0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05, 0xc3};
typedef long made(long number, long, long, long, long, long, long);

static made *write_code(void)
{
    char *code = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, call, sizeof call);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    return (made *)code;
}

static int through_the_gate(void)
{
    long got;
    __asm__ volatile("push %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%rbp"
                     : "=a"(got)
                     : "a"(192), "b"(0), "c"(28672), "d"(3), "S"(0x22), "D"(-1)
                     : "r8", "r9", "r10", "r11", "memory");
    return got < 0 && got > -4096;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "none";
    if (!strcmp(how, "gate"))
        return through_the_gate();
    made *made = write_code();
    long at = 0, got = 0;
    if (!strcmp(how, "hole")) {
        at = (long)mmap(0, 28672, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap((void *)at, 28672);
    }
    if (strcmp(how, "none"))
        got = made(SYS_mmap, at, 28672, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(how, "twice"))
        made(SYS_munmap, got, 28672, 0, 0, 0, 0);
    return got < 0 && got > -4096;
}
