/* interrupted.c - signals that come while a system call is made, or a question is asked of the
 * recorder; their handler makes system calls as well, or leaves by siglongjmp. Then a file is
 * mapped, and a program exec'd. Argument: "jump" or "stay". */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static volatile long in_main, in_handler;
static int jumping;
static sigjmp_buf back;

static void once(volatile long *count, size_t size, int file)
{
    ++*count;
    void *at = mmap(NULL, size, PROT_READ, file < 0 ? 0x22 : MAP_PRIVATE, file, 0);
    munmap(at, size);
}

static void handler(int number)
{
    once(&in_handler, 1013 << 12, -1);
    if (jumping && in_handler % 2)
        siglongjmp(back, number);
}

int main(int argc, char **argv)
{
    struct itimerval often = {{0, 150}, {0, 150}}, never = {{0, 0}, {0, 0}};
    char *echo[] = {"/bin/echo", "of the next", NULL};
    int file = open("/proc/self/exe", O_RDONLY);
    jumping = argc > 1 && argv[1][0] == 'j';
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &often, NULL);
    sigsetjmp(back, 1);
    while (in_handler < 499)
        once(&in_main, 1009 << 12, file);
    setitimer(ITIMER_REAL, &never, NULL);
    once(&in_main, 1019 << 12, open("/etc/passwd", O_RDONLY));
    printf("main %ld handler %ld\n", in_main, in_handler);
    fflush(stdout);
    execv(echo[0], echo);
    return argc;
}
