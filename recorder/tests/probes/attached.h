/* attached.h - what a program that is attached to and its test have in common: a page of a file. */
#ifndef ATTACHED_H
#define ATTACHED_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Words of 64 bits; tests/attaching.py has their names. */
struct page {
    uint64_t pid, rounds, wrong, go, done, mallocs, frees, end, signals;
};

static volatile struct page *page;

static inline void page_open(const char *path)
{
    int fd = open(path, O_RDWR);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void count(volatile uint64_t *word)
{
    __atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
}

#endif
