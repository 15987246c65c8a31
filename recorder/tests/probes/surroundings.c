/* surroundings.c - what a program can see of itself: signal mask and dispositions, descriptors,
 * errno around calls, alignment of the stack, the number of its threads. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static void show_status(void)
{
    static char line[512];
    static const char *const wanted[] = {"SigQ",    "SigPnd",   "SigBlk",     "SigIgn", "SigCgt",
                                         "Threads", "Seccomp:", "NoNewPrivs", "Umask"};
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            if (!strncmp(line, wanted[i], strlen(wanted[i])) && strncmp(line, "SigQ", 4))
                fputs(line, stdout);
    if (file)
        fclose(file);
}

static void show_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    for (struct dirent *e; folder && (e = readdir(folder));)
        count += e->d_name[0] != '.';
    if (folder)
        closedir(folder);
    printf("%d descriptors\n", count);
}

static void show_mask(const char *when)
{
    sigset_t set;
    uint64_t word = 0;
    sigprocmask(SIG_BLOCK, NULL, &set);
    memcpy(&word, &set, sizeof word);
    printf("mask %s: %#lx\n", when, word);
}

static void handler(int number)
{
    show_mask("in a handler");
    (void)number;
}

int main(void)
{
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigaddset(&some, SIGCHLD);
    sigprocmask(SIG_BLOCK, &some, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, handler);
    void *volatile block = malloc(1009);
    show_mask("after malloc");
    raise(SIGUSR1);
    errno = 1013;
    free(block);
    block = malloc(1019);
    printf("errno after calls that succeed: %d\n", errno);
    void *page = mmap(NULL, 4096, 3, 0x22, -1, 0);
    munmap(page, 4096);
    printf("errno after system calls that succeed: %d\n", errno);
    printf("malloc of too much: %d\n", malloc(SIZE_MAX / 2) == NULL);
    printf("its errno: %d\n", errno);
    printf("munmap that fails: %d, errno %d\n", munmap((void *)1, 1), errno);
    show_status();
    show_descriptors();
    struct itimerval timer;
    getitimer(ITIMER_REAL, &timer);
    printf("timer %ld\n", (long)timer.it_value.tv_sec);
    free(block);
    return 0;
}
