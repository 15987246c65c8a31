/* regions.c - allocations inside and outside of marked regions; the size says where: 4100 in none, 4101 in
 * `outer`, 4102 in `inner`, 4103 in `inner` of `outer`, 4104 in a region without a literal for a name.
 * Arguments choose the acts, in their order. */
#define _GNU_SOURCE
#include <brkpoint_region.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;
static char *program;

static void take(size_t size)
{
    kept = malloc(size);
    free(kept);
}

static void nested(void)
{
    take(4100);
    brkpoint_region_begin("outer");
    take(4101);
    brkpoint_region_begin("inner");
    take(4103);
    brkpoint_region_end();
    take(4101);
    brkpoint_region_end();
    brkpoint_region_begin("inner");
    take(4102);
    brkpoint_region_end();
    take(4100);
}

static void recurse(int depth)
{
    brkpoint_region_begin("inner");
    take(4102);
    if (depth)
        recurse(depth - 1);
    take(4102);
    brkpoint_region_end();
}

/* Ends without a beginning, and beginnings without an end. */
static void unbalanced(void)
{
    jmp_buf out;
    brkpoint_region_end();
    brkpoint_region_end();
    take(4100);
    if (setjmp(out) == 0) {
        brkpoint_region_begin("inner");
        longjmp(out, 1);
    }
    take(4102); /* nobody has ended it */
    brkpoint_region_end();
    take(4100);
}

static void *in_thread(void *size)
{
    take((size_t)size);
    brkpoint_region_begin("inner");
    take(4102);
    return NULL; /* it ends with the thread */
}

static void threads(void)
{
    pthread_t one, other;
    brkpoint_region_begin("outer");
    pthread_create(&one, NULL, in_thread, (void *)4100);
    pthread_join(one, NULL);
    pthread_create(&other, NULL, in_thread, (void *)4100);
    take(4101);
    pthread_join(other, NULL);
    brkpoint_region_end();
}

static void forks(void)
{
    brkpoint_region_begin("outer");
    if (fork() == 0) {
        take(4101);
        brkpoint_region_end();
        take(4100);
        _exit(0);
    }
    wait(NULL);
    take(4101);
    brkpoint_region_end();
}

static void execs(void)
{
    brkpoint_region_begin("outer");
    execl(program, program, "nested", (char *)NULL);
}

static void nameless(void)
{
    char name[8];
    strcpy(name, "inner");
    brkpoint_region_begin(name);
    take(4104);
    brkpoint_region_end();
}

int main(int count, char **words)
{
    program = words[0];
    for (int at = 1; at < count; at++) {
        if (strcmp(words[at], "nested") == 0)
            nested();
        if (strcmp(words[at], "recurse") == 0)
            recurse(100);
        if (strcmp(words[at], "unbalanced") == 0)
            unbalanced();
        if (strcmp(words[at], "threads") == 0)
            threads();
        if (strcmp(words[at], "forks") == 0)
            forks();
        if (strcmp(words[at], "execs") == 0)
            execs();
        if (strcmp(words[at], "nameless") == 0)
            nameless();
    }
    return 0;
}
