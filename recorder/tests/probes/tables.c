/* tables.c - tables in executable segments: between functions, as hand-written code has them, and, when
 * linked with -z noseparate-code, constants. All hold the bytes of a system call at every distance from each other.
 * Prints sums of them, and makes a system call whose number is not a constant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE 4096

/* No function, and no unwind table tells of it. */
__asm__(".text\n"
        ".balign 64\n"
        ".globl in_code\n"
        "in_code:\n"
        ".set at, 0\n"
        ".rept 512\n"
        ".byte 0x0f, 0x05, 0x09, 0xe6, 0x92, at & 0xff, 0x3f, at >> 2 & 0xff\n"
        ".set at, at + 5\n"
        ".endr\n"
        ".size in_code, 4096\n");
extern const unsigned char in_code[SIZE];

static const unsigned char constants[SIZE] = {
#define EIGHT(n) 0x0f, 0x05, 0x89, 0xc1, n, 0x48, n + 1, 0x01
#define MANY(n) EIGHT(n), EIGHT(n + 2), EIGHT(n + 4), EIGHT(n + 6)
    MANY(1), MANY(9), MANY(17), MANY(25), MANY(33), MANY(41), MANY(49), MANY(57),
};

static unsigned long sum(const volatile unsigned char *bytes)
{
    unsigned long sum = 0;
    for (int i = 0; i < SIZE; i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

int main(int argc, char **argv)
{
    long number = argc > 1 ? atol(argv[1]) : SYS_getppid;
    free(malloc(1009));
    printf("%lx %lx %d\n", sum(in_code), sum(constants), syscall(number) > 0);
    return 0;
}
