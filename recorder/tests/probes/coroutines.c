/* coroutines.c - ucontext: several small stacks that allocate, freed and used again at once. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define COUNT 5
#define STACK 16384
static ucontext_t home, contexts[COUNT];
static long made;

static void work(int which)
{
    for (int i = 0; i < 7; i++) {
        void *volatile p = malloc((size_t)(1009 + which));
        made++;
        swapcontext(&contexts[which], &home);
        free(p);
    }
}

int main(void)
{
    for (int round = 0; round < 11; round++) {
        char *stacks[COUNT];
        for (int i = 0; i < COUNT; i++) {
            stacks[i] = i % 2 ? malloc(STACK) : mmap(NULL, STACK, 3, 0x22, -1, 0);
            getcontext(&contexts[i]);
            contexts[i].uc_stack.ss_sp = stacks[i];
            contexts[i].uc_stack.ss_size = STACK;
            contexts[i].uc_link = &home;
            makecontext(&contexts[i], (void (*)(void))work, 1, i);
        }
        for (int turn = 0; turn < 8; turn++)
            for (int i = 0; i < COUNT; i++)
                swapcontext(&home, &contexts[i]);
        for (int i = 0; i < COUNT; i++)
            i % 2 ? free(stacks[i]) : (void)munmap(stacks[i], STACK);
    }
    printf("made %ld\n", made);
    return 0;
}
