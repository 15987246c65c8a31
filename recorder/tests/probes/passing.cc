/* passing.cc - unwinders that pass through calls of an allocator of the program's own: pthread_exit
 * and cancellation inside of it, with destructors outside; backtraces out of a signal that lands
 * anywhere. Argument: "exit", "cancel" or "profile". */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

extern "C" void *__libc_malloc(std::size_t);
void *own_malloc(std::size_t size) __asm__("malloc");

static char way;
static long destroyed;
static volatile int inside;

struct counted {
    ~counted()
    {
        destroyed++;
    }
};

__attribute__((noinline)) void *own_malloc(std::size_t size)
{
    if (size == 1013 && way == 'e')
        pthread_exit(nullptr);
    if (size == 1013 && way == 'c')
        for (inside = 1;; pthread_testcancel())
            ;
    return __libc_malloc(size);
}

static void *work(void *depth)
{
    counted here;
    if (depth != nullptr)
        return work(static_cast<char *>(depth) - 1);
    return own_malloc(1013);
}

static void end_inside()
{
    for (int i = 0; i < 23; i++) {
        pthread_t thread;
        inside = 0;
        pthread_create(&thread, nullptr, work, reinterpret_cast<void *>(i % 5L));
        while (way == 'c' && !inside)
            usleep(100);
        if (way == 'c')
            pthread_cancel(thread);
        pthread_join(thread, nullptr);
    }
    std::printf("destroyed %ld\n", destroyed);
}

/* ---- a profiler ---- */

static void *outermost;
static volatile long samples, broken;

static void sample(int)
{
    void *frames[64];
    int depth = backtrace(frames, 64);
    broken += frames[depth - 1] != outermost;
    samples++;
}

static void profile()
{
    void *frames[64];
    struct itimerval often = {{0, 100}, {0, 100}}, never = {};
    outermost = frames[backtrace(frames, 64) - 1]; /* of _start */
    signal(SIGALRM, sample);
    setitimer(ITIMER_REAL, &often, nullptr);
    while (samples < 2999) {
        for (int i = 0; i < 7; i++)
            free(realloc(own_malloc(1009), 1019));
        munmap(mmap(nullptr, 8192, 3, 0x22, -1, 0), 8192);
    }
    setitimer(ITIMER_REAL, &never, nullptr);
    std::printf("%s\n", broken == 0 ? "every stack is whole" : "stacks are cut");
    if (broken != 0)
        std::fprintf(stderr, "%ld of %ld\n", broken, samples);
}

int main(int argc, char **argv)
{
    way = argc > 1 ? argv[1][0] : 0;
    if (way == 'p')
        profile();
    else
        end_inside();
    return 0;
}
