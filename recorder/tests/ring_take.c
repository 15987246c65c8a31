/* ring_take.c - the ring of a run, into a file: for ring_fuzz.c. While brkpoint-recorder stands still
 * (SIGSTOP), its memory file is /proc/PID/fd/N.
 *
 *     ring_take MEMORY FILE           prints how many threads and chunks it took
 */
#include "ring_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *area;
static struct chunk taken[RING_CHUNKS];
static uint32_t place[AREA_CHUNKS + 1]; /* of chunk i among those taken; 0: is not */
static uint32_t chunks;

static const struct chunk *chunk_of(uint32_t number)
{
    return (const struct chunk *)(area + AREA_CHUNKS_AT + (uint64_t)(number - 1) * CHUNK_SIZE);
}

/* The first of the thread's chunks: no other leads to it. 0: it has none. */
static uint32_t first_of(uint32_t owner)
{
    static bool led_to[AREA_CHUNKS + 1];
    memset(led_to, 0, sizeof led_to);
    for (uint32_t i = 1; i <= AREA_CHUNKS; i++)
        if (chunk_of(i)->owner == owner && chunk_of(i)->next <= AREA_CHUNKS)
            led_to[chunk_of(i)->next] = true;
    for (uint32_t i = 1; i <= AREA_CHUNKS; i++)
        if (chunk_of(i)->owner == owner && !led_to[i])
            return i;
    return 0;
}

/* ring_fuzz has few hooks, with other numbers. */
static void rename_hooks(struct chunk *c)
{
    static const uint32_t sizes[] = {32, 32, 64, 64, 32, 96, 32, 32};
    for (uint32_t at = 0; at + SLOT <= sizeof c->records;) {
        uint64_t word, kind;
        memcpy(&word, c->records + at, 8);
        kind = word & 0xff;
        uint64_t number = (word >> 8 & 0xffff) % 6 + 1;
        if (kind == RECORD_CALL || kind == RECORD_CALL3)
            word = (word & ~UINT64_C(0xffff00)) | number << 8;
        memcpy(c->records + at, &word, 8);
        at += kind < sizeof sizes / sizeof *sizes ? sizes[kind] : SLOT;
    }
}

static uint32_t take_chunks(uint32_t owner, uint32_t new_owner)
{
    uint32_t first = chunks + 1, before = 0;
    for (uint32_t i = first_of(owner); i != 0 && chunks < RING_CHUNKS && !place[i];) {
        struct chunk *c = &taken[chunks++];
        *c = *chunk_of(i);
        place[i] = chunks;
        i = c->next <= AREA_CHUNKS ? c->next : 0;
        c->owner = new_owner;
        c->next = 0;
        rename_hooks(c);
        if (before != 0)
            taken[before - 1].next = chunks;
        before = chunks;
    }
    return chunks >= first ? first : 0;
}

int main(int argc, char **argv)
{
    int fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    FILE *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
    area = fd < 0 ? MAP_FAILED : mmap(NULL, AREA_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    if (out == NULL || area == MAP_FAILED)
        return fprintf(stderr, "usage: ring_take MEMORY FILE\n"), 2;
    const struct area_head *head = (const void *)area;
    struct ring_file file = {RING_MAGIC, 0, 0, 0, head->clock};
    static struct thread_state states[RING_THREADS];
    for (uint32_t i = 0; i < AREA_THREADS && file.threads < RING_THREADS; i++) {
        const char *at = area + THREAD_AT(i);
        uint32_t first = head->threads[i / 32] >> i % 32 & 1 ? first_of(i + 1) : 0;
        if (first == 0 || chunks == RING_CHUNKS)
            continue;
        struct thread_state *t = &states[file.threads];
        memcpy(t, at, RING_STATE);
        t->first_chunk = take_chunks(i + 1, ++file.threads);
        t->cur = (uint64_t)place[t->cur >> 32 <= AREA_CHUNKS ? t->cur >> 32 : 0] << 32 |
                 (uint32_t)t->cur;
        file.pid = t->pid;
    }
    file.chunks = chunks;
    fwrite(&file, sizeof file, 1, out);
    for (uint32_t i = 0; i < file.threads; i++)
        fwrite(&states[i], RING_STATE, 1, out);
    fwrite(taken, sizeof *taken, chunks, out);
    printf("%u threads, %u chunks\n", file.threads, file.chunks);
    return fclose(out) != 0;
}
