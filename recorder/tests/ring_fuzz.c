/* ring_fuzz.c - rings that lie, drained as those of a target are: through drain.c, ring.c, records.c
 * and the history. Built with the sanitizers of gcc, or for libFuzzer with -DLIBFUZZER.
 *
 *     ring_fuzz FILE SECONDS SEED     damage the ring in FILE in ever new ways, for that long
 *     ring_fuzz FILE                  drain it once: prints its events, and those lost
 * A FILE is a ring as ring_take.c takes it from a run. One that is none is read as a script, of which
 * one is made.
 */
#include "host/drain/drain.h"
#include "host/process/mapped.h"
#include "host/plant/overwritten.h"
#include "host/drain/records.h"
#include "ring_file.h"
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct host host;
static struct family family;
static struct process process;
static struct area_head *area;
static uint64_t lost, written;

#include "ring_owner.h"

/* ---- what the rest of the host would do ---- */
void say_lost(struct host *h, uint64_t count, const char *reason)
{
    assert(count > 0 && reason[0] != 0);
    h->lost += count, lost += count;
}

struct process *process_by(struct host *h, pid_t pid)
{
    (void)h;
    return pid == process.tracee.pid ? &process : NULL;
}

uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret)
{
    return p->family->hooks[number].spool_id[ret % p->family->hooks[number].names];
}

void phase_by_stack(struct host *h, struct process *p, uint32_t node, uint64_t t_ns)
{
    (void)p;
    assert(((node & NODE_CUT) || node < h->stacks.count) && t_ns >= h->started_ns);
}

static int take(void *owner, enum spool_kind kind, const void *payload, size_t length)
{
    for (size_t i = 0; i < length; i++)
        *(uint64_t *)owner += ((const unsigned char *)payload)[i] + kind;
    return 0;
}

/* ---- an area ---- */

static void make_hooks(void)
{
    static const char *const names[] = {"malloc", "free", "realloc", "calloc", "posix_memalign"};
    for (unsigned i = 0; i < RING_HOOKS; i++) {
        unsigned mark = i % 7 || i < 15 ? REGION_NONE : i % 2 ? REGION_BEGIN : REGION_END;
        struct hook hook = {.address = 0x1000 + 16 * i, .names = ring_has_hook(i), .region = mark};
        hook.spool_id[0] = i + 1, family.hooks[i] = hook;
        history_hook(host.history, i + 1, names[i % 5], names[i % 5]);
    }
    family.hook_count = RING_HOOKS;
}

static void begin(uint32_t pid, uint32_t clock)
{
    if (area == NULL)
        area = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memset(area, 0, sizeof *area);
    memset(&host, 0, sizeof host);
    area->clock = clock;
    host.spool.fd = open("/dev/null", O_WRONLY);
    process = (struct process){.tracee = {(pid_t)pid, -1, false}, .family = &family};
    process.watch_stacks = clock == 1;
    family.area = area;
    family.used = true;
    if (family.readers == NULL)
        family.readers = calloc(AREA_THREADS, sizeof *family.readers);
    host.history = history_new(take, &written);
    assert(stacks_begin(&host.stacks) && host.history && family.readers);
    clock_begin(&host.clock);
    history_start(host.history, pid, 0);
    make_hooks();
    mapped_begin(&process);
    lost = 0;
}

static void end(void)
{
    for (unsigned i = 0; i < RING_THREADS; i++) {
        free(family.readers[i].nodes);
        free(family.readers[i].path);
        family.readers[i] = (struct reader){0};
    }
    memset(family.kept, 0, sizeof family.kept);
    mapped_free(&process);
    stacks_free(&host.stacks);
    history_free(host.history);
    close(host.spool.fd);
    memset((char *)area + AREA_CHUNKS_AT, 0, RING_CHUNKS * CHUNK_SIZE);
    for (unsigned i = 0; i < RING_THREADS; i++)
        memset(thread_state(&family, i), 0, RING_STATE);
}

/* Each chunk is read once at most: no damage makes more events than there is room for. */
static uint64_t drain_all(void)
{
    drain(&host, &process, DRAIN_ALL - 1);
    drain(&host, &process, DRAIN_ALL);
    history_finish(host.history);
    uint64_t events = history_events(host.history);
    assert(!history_failed(host.history));
    assert(events <= (uint64_t)RING_CHUNKS * (CHUNK_SIZE - CHUNK_HEAD) / SLOT);
    return events;
}

/* ---- a ring from a run ---- */

static bool is_ring(const uint8_t *data, size_t size)
{
    struct ring_file file;
    if (size < sizeof file)
        return false;
    memcpy(&file, data, sizeof file);
    return file.magic == RING_MAGIC && file.threads <= RING_THREADS && file.chunks <= RING_CHUNKS &&
           size == sizeof file + file.threads * RING_STATE + file.chunks * CHUNK_SIZE;
}

static void load_ring(const uint8_t *data)
{
    struct ring_file file;
    memcpy(&file, data, sizeof file);
    begin(file.pid, file.clock);
    const uint8_t *at = data + sizeof file;
    for (uint32_t i = 0; i < file.threads; i++, at += RING_STATE)
        memcpy(thread_state(&family, i), at, RING_STATE);
    memcpy(chunk_at(&family, 1), at, file.chunks * CHUNK_SIZE);
    area->threads[0] = (1u << file.threads) - 1;
}

/* ---- a script: every byte means something ---- */

struct script {
    const uint8_t *at, *end;
};

static uint32_t next(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static uint64_t next_word(struct script *s)
{
    static const uint64_t odd[] = {0,          1,          16,         4096,       0x7fff00001000,
                                   UINT32_MAX, UINT64_MAX, INT64_MAX,  1u << 31,   0x7fff00001008,
                                   NODE_ONCE,  NODE_CUT,   MEMO_FIRST, MEMO_THIRD, INT64_MIN,
                                   0x400000};
    uint32_t choice = next(s);
    return choice < 16 ? odd[choice] : choice < 128 ? choice : next(s) << (choice & 31);
}

static void write_records(struct script *s, struct chunk *c)
{
    uint32_t room = sizeof c->records, used = 0;
    for (uint32_t left = next(s); left > 0 && used + 96 <= room; left--) {
        uint64_t kind = next(s) % 9, number = next(s) % (RING_HOOKS + 2), node = next_word(s);
        uint64_t word = kind | number << 8 | (uint64_t)(next(s) & 15) << 24 | node << 32;
        uint32_t size = ring_size_of(word) ? ring_size_of(word) : SLOT;
        memcpy(c->records + used, &word, 8);
        for (uint32_t i = 8; i < size; i += 8) {
            word = next_word(s);
            memcpy(c->records + used + i, &word, 8);
        }
        used += size;
    }
}

static void run_script(struct script s)
{
    uint32_t threads = 1 + next(&s) % RING_THREADS;
    begin(1, next(&s) % 2);
    area->threads[0] = (1u << threads) - 1;
    for (uint32_t i = 0; i < threads; i++) {
        struct thread_state *t = thread_state(&family, i);
        t->use = next(&s) % 3;
        t->pid = 1 + next(&s) / 250;
        t->tid = 1 + next(&s) % 4;
        t->first_chunk = next(&s) % (RING_CHUNKS + 1);
        t->cur = (uint64_t)next(&s) << 32 | next(&s) << 6;
    }
    for (uint32_t i = 1; i <= RING_CHUNKS; i++) {
        struct chunk *c = chunk_at(&family, i);
        c->owner = 1 + next(&s) % (threads + 1);
        c->next = next(&s) % 8 ? next(&s) % (RING_CHUNKS + 2) : UINT32_MAX;
        c->end = next(&s) << 6;
        write_records(&s, c);
        if (next(&s) % 4 == 0)
            drain(&host, &process, next_word(&s));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (is_ring(data, size))
        load_ring(data);
    else
        run_script((struct script){data, data + size});
    drain_all();
    end();
    return 0;
}

#ifndef LIBFUZZER
static uint64_t random_state = 1;

static uint64_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Mostly the first word of a record, or what chunks and threads say of each other. */
static void damage(uint8_t *data, size_t size)
{
    static const uint64_t odd[] = {0, 1, 2, 3, 0x7f, 0xff, UINT32_MAX, INT64_MAX, UINT64_MAX, 32};
    size_t at = random_word() % size;
    if (size > CHUNK_SIZE && random_word() % 2)
        at = size - (1 + random_word() % (size / CHUNK_SIZE)) * CHUNK_SIZE + random_word() % 16;
    else if (random_word() % 4)
        at = at / SLOT * SLOT;
    uint64_t word = random_word() % 3 ? random_word() : odd[random_word() % 10];
    size_t bytes = 1u << random_word() % 4, room = size - at;
    memcpy(data + at, &word, bytes < room ? bytes : room);
}

static uint8_t *load(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);
    *size = file && data ? fread(data, 1, 1 << 20, file) : 0;
    if (file)
        fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    size_t size = 0;
    uint8_t *original = argc > 1 ? load(argv[1], &size) : NULL;
    time_t until = time(NULL) + (argc > 2 ? atoi(argv[2]) : 0);
    unsigned long rings = 0, spoiled = 0;
    assert(size > 0 && "an empty file, or none");
    random_state = argc > 3 ? strtoull(argv[3], NULL, 0) * 2 + 1 : 1;
    if (argc == 2 && is_ring(original, size)) {
        load_ring(original);
        printf("%lu events", drain_all());
        printf(", %lu lost\n", lost);
        end();
    }
    while (time(NULL) < until) {
        uint8_t *copy = malloc(size);
        memcpy(copy, original, size);
        for (uint64_t i = 1 + random_word() % 12; i; i--)
            damage(copy, size);
        if (is_ring(original, size))
            memcpy(copy, original, sizeof(struct ring_file));
        LLVMFuzzerTestOneInput(copy, size);
        spoiled += lost > 0;
        rings++;
        free(copy);
    }
    if (rings)
        printf("%lu damaged rings drained, %lu of them said so\n", rings, spoiled);
    free(original);
    return 0;
}
#endif
