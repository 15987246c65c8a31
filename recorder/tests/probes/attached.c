/* attached.c FILE THREADS [signals|counted|busy]: allocates without end, and checks what it has
 * allocated.
 *
 * It rests often; with `busy` it never does. With `signals` a timer interrupts it every millisecond, and the handler allocates too. With
 * `counted` it allocates only while the file's `go` is 1, and counts its calls there.
 */
#define _GNU_SOURCE
#include "attached.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#define KEPT 61

static int is_counted, is_busy;

static void check(const unsigned char *block, size_t size, unsigned char mark)
{
    for (size_t i = 0; i < size; i++)
        if (block[i] != mark) {
            count(&page->wrong);
            return;
        }
}

struct kept {
    unsigned char *block;
    size_t size;
    unsigned char mark;
};

static void turn(struct kept *k, uint64_t n)
{
    if (k->block != NULL) {
        check(k->block, k->size, k->mark);
        free(k->block);
        count(&page->frees);
    }
    k->size = 17 + n * 7919 % 3001;
    k->mark = (unsigned char)(n * 31 + 1);
    k->block = malloc(k->size);
    count(&page->mallocs);
    if (k->block == NULL)
        count(&page->wrong);
    else
        memset(k->block, k->mark, k->size);
}

static void *work(void *unused)
{
    struct kept kept[KEPT] = {{0}};
    int went = 0;
    for (uint64_t n = 0; !page->end; n++) {
        int goes = !is_counted || page->go == 1;
        if (went && !goes)
            count(&page->done);
        went = goes;
        if (goes)
            turn(&kept[n % KEPT], n);
        if (n % 16 == 0 || !goes)
            count(&page->rounds);
        if ((n % 16 == 0 && !is_busy) || !goes)
            usleep(1000);
    }
    for (int i = 0; i < KEPT; i++)
        free(kept[i].block);
    return unused;
}

static void handler(int number)
{
    (void)number;
    sigset_t set;
    unsigned char *p = malloc(13);
    memset(p, 7, 13);
    check(p, 13, 7);
    free(p);
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    if (!sigismember(&set, SIGALRM) || sigismember(&set, SIGUSR2))
        count(&page->wrong);
    count(&page->signals);
}

/* A thread's mask is its own, and stays so; so do the handlers. */
static void work_between_signals(void)
{
    struct kept kept[KEPT] = {{0}};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, 1000}, {0, 1000}};
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
    for (uint64_t n = 0; !page->end; n++) {
        for (volatile int spin = 0; spin < 1000; spin++)
            ;
        sigprocmask(SIG_BLOCK, &alarm, NULL); /* malloc is no place for its own handler */
        turn(&kept[n % KEPT], n);
        sigprocmask(SIG_UNBLOCK, &alarm, NULL);
        count(&page->rounds);
    }
}

int main(int argc, char **argv)
{
    pthread_t threads[64];
    int number = atoi(argv[2]);
    page_open(argv[1]);
    is_counted = argc > 3 && strcmp(argv[3], "counted") == 0;
    is_busy = argc > 3 && strcmp(argv[3], "busy") == 0;
    if (argc > 3 && !is_counted && !is_busy) {
        page->pid = (uint64_t)getpid();
        work_between_signals();
    } else {
        for (int i = 1; i < number; i++)
            pthread_create(&threads[i], NULL, work, NULL);
        page->pid = (uint64_t)getpid();
        work(NULL);
        for (int i = 1; i < number; i++)
            pthread_join(threads[i], NULL);
    }
    return page->wrong ? 3 : 7;
}
