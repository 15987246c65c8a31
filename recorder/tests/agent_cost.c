/* agent_cost.c - what the agent itself costs at an event: its own code, linked into this program,
 * around a function that does nothing, with nobody at the other end of the ring.
 *
 *     agent_cost [EVENTS [FRAMES [CLOCK]]]
 *
 * Prints nanoseconds of CPU, the least of five loops, with and without the agent, the instructions
 * that the agent adds, counted one by one, and how often the stack was remembered.
 */
#include "agent/event.h"
#include "unwind_here.h"

#include <signal.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#define STUBS 3 /* two as planted, and one that leads to the function at once */
#define TRIES 5
#define FIRST_CHUNKS 16 /* the ring: as much as a host that keeps up leaves in use */

extern const unsigned char agent_entry[], agent_after[];
static struct area_head *head;
static unsigned char *stubs;
static long events = 1000000;
static int frames = 7;

static void *room(size_t size, int more)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE | more,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        exit(1);
    return at;
}

/* push $NUMBER; movabs $agent_entry, %rax; jmp *%rax - the function: lea 16(%rdi), %rax; ret */
static void write_stub(void)
{
    static const unsigned char function[] = {0x48, 0x8d, 0x47, 0x10, 0xc3};
    unsigned char entry[] = {0x6a, 0, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0};
    const void *to = agent_entry;
    memcpy(entry + 4, &to, 8);
    stubs = room(STUBS * STUB_SIZE, PROT_EXEC);
    for (int i = 0; i < 2; i++) {
        entry[1] = (unsigned char)i;
        memcpy(stubs + i * STUB_SIZE, entry, sizeof entry);
        memcpy(stubs + i * STUB_SIZE + STUB_MOVED, function, sizeof function);
    }
    memcpy(stubs + 2 * STUB_SIZE, function, sizeof function);
}

static void plant(void)
{
    struct code_head *code = (struct code_head *)&code_head;
    uint64_t page = (uint64_t)code & ~4095ul;
    uint64_t low, high;
    head = room(AREA_SIZE, 0);
    write_stub();
    if (mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        exit(1);
    code->area = (uint64_t)head;
    code->identity = (uint64_t)room(IDENTITY_SIZE, 0);
    code->stubs = (uint64_t)stubs;
    code->after[0] = (uint64_t)agent_after;
    ((struct identity *)code->identity)->tables =
        (uint64_t)here_tables(&low, &high) - (uint64_t)head;
    head->recording = head->clock = 1;
    head->thread_by = getauxval(AT_HWCAP2) >> 1 & 1 ? THREAD_BY_FSBASE : THREAD_BY_WORD;
    head->hook_kind[0] = head->hook_kind[1] = HOOK_CALL1;
    struct thread_state *t = in_area(AREA_THREADS_AT);
    head->threads[0] = 1; /* it need not introduce itself: there is no host to ask */
    *t = (struct thread_state){.use = THREAD_LIVE, .stack_low = low, .stack_high = high};
    t->pid = t->tid = (uint32_t)getpid();
    t->number = t->memo_count = 1;
    head->memo_grows = 1;
    __asm__("mov %%fs:0, %0" : "=r"(t->fs));
    struct identity *self = (struct identity *)code->identity;
    self->ready = 1;
    self->pid = t->pid;
    self->entries[home_of(t->fs)] = (struct identity_entry){t->fs, (uint64_t)t};
}

/* The ring as new, so that the loop never waits. */
static void drain_all(void)
{
    struct thread_state *t = in_area(AREA_THREADS_AT);
    t->cur = t->first_chunk = 0;
    memset(chunk_at(0), 0, FIRST_CHUNKS * CHUNK_SIZE);
    head->free_chunks[0] = (1u << FIRST_CHUNKS) - 1;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

/* Two functions in turn, as malloc and free are. */
static double loop(const unsigned char *one, const unsigned char *two)
{
    enum { ROUND = 1500 }; /* events for which FIRST_CHUNKS are enough */
    uint64_t (*first)(uint64_t) = (uint64_t(*)(uint64_t))one;
    uint64_t (*second)(uint64_t) = (uint64_t(*)(uint64_t))two;
    double least = 1e30;
    for (int try = 0; try < TRIES; try++) {
        double spent = 0;
        for (long done = 0; done < events; done += ROUND) {
            drain_all();
            double start = now_ns();
            for (int i = 0; i < ROUND; i += 2)
                if (second(first(i)) != (uint64_t)i + 32)
                    exit(3);
            spent += now_ns() - start;
        }
        spent /= (events + ROUND - 1) / ROUND * ROUND;
        least = spent < least ? spent : least;
    }
    return least;
}

static volatile long steps;

static void step(int signal)
{
    (void)signal;
    steps++;
}

/* Of both functions, counted by the processor's trap behind each instruction (the flag TF). */
static long instructions(const unsigned char *one, const unsigned char *two)
{
    uint64_t (*first)(uint64_t) = (uint64_t(*)(uint64_t))one;
    uint64_t (*second)(uint64_t) = (uint64_t(*)(uint64_t))two;
    signal(SIGTRAP, step);
    steps = 0;
    __asm__ volatile("pushf; orq $0x100, (%%rsp); popf" ::: "memory", "cc");
    second(first(1));
    __asm__ volatile("pushf; andq $~0x100, (%%rsp); popf" ::: "memory", "cc");
    return steps;
}

static __attribute__((noinline)) int measure(int depth)
{
    const struct thread_state *t = in_area(AREA_THREADS_AT);
    const unsigned char *at = stubs + 2 * STUB_SIZE;
    double bare = loop(at, at), with = loop(stubs, stubs + STUB_SIZE);
    drain_all();
    long counted[3]; /* from a stack that is new, from the same again, without the agent */
    for (int i = 0; i < 3; i++)
        counted[i] = instructions(i < 2 ? stubs : at, i < 2 ? stubs + STUB_SIZE : at);
    printf("%d frames, clock %u: %.1f ns an event, %.1f without; %ld instructions; "
           "%lu remembered, %lu unwound\n",
           depth, head->clock, with - bare, bare, (counted[1] - counted[2]) / 2, t->hits,
           t->misses);
    return t->hits < 100 * t->misses;
}

static int (*volatile target)(int) = measure;

static __attribute__((noinline)) int descend(int left)
{
    volatile int kept[4] = {left};
    return (left > 1 ? descend(left - 1) : target(frames)) + kept[3];
}

int main(int argc, char **argv)
{
    if (argc > 1)
        events = atol(argv[1]);
    if (argc > 2)
        frames = atoi(argv[2]);
    plant();
    if (argc > 3)
        head->clock = (uint32_t)atoi(argv[3]);
    return descend(frames - 6); /* loop, measure, main and three frames of the C library */
}
