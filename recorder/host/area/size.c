/* size.c - how much of the data area there is: less where address space is limited.
 *
 * Chunks, unwind tables and threads have their places in it (shared.h); of each the first part is
 * mapped, and what lies between stays free. The states of more threads than programs usually have
 * are closed: a program that locks its memory (mlockall) would be given all that is open.
 */
#define _GNU_SOURCE /* prlimit */
#include "size.h"

#include <sys/mman.h>
#include <sys/resource.h>

static const struct area_size sizes[] = {
    {AREA_THREADS, AREA_CHUNKS, TABLES_SIZE, true},
    {AREA_OPEN, 4096, TABLES_SIZE, true},
    {256, 1024, UINT64_C(46) << 20, true},
    {256, 1024, UINT64_C(46) << 20, false},
    {64, 512, UINT64_C(14) << 20, true},
    {64, 512, UINT64_C(14) << 20, false},
    {32, 128, UINT64_C(6) << 20, false},
};
#define SIZES (sizeof sizes / sizeof *sizes)
/* Of a limited address space, so much may be taken: the rest is the program's. */
#define SHARE 4

const struct area_size *area_size_largest(void)
{
    return sizes;
}

const struct area_size *area_size_smaller(const struct area_size *size)
{
    return size + 1 < sizes + SIZES ? size + 1 : NULL;
}

const struct area_size *area_size_larger(const struct area_size *smaller)
{
    return smaller > sizes ? smaller - 1 : sizes;
}

static bool follows(const struct piece *last, const struct piece *next)
{
    return last->at + last->size == next->at && last->open == next->open;
}

/* One more piece, or more of the last one: one system call does for both. */
static unsigned add(struct piece *pieces, unsigned count, struct piece next)
{
    if (count > 0 && follows(&pieces[count - 1], &next))
        pieces[count - 1].size += next.size;
    else if (next.size != 0)
        pieces[count++] = next;
    return count;
}

#define PAGE UINT64_C(4096)

/* The state of one of the first threads: all of its steps, or what it has where memory does not grow. Then
 * nobody else's state lies in what is between its table of paths and its nodes. */
static unsigned add_first(struct piece *pieces, unsigned count, const struct area_size *size,
                          uint32_t index)
{
    uint64_t at = THREAD_AT(index), all = THREAD_AT(index + 1) - at;
    uint64_t nodes = NODES_AT / PAGE * PAGE, words = WORD_OF(MEMO_FEW) + 4 * PATHS_FEW;
    if (size->memo_grows)
        return add(pieces, count, (struct piece){at, all, true});
    if (index == 0)
        return add(pieces, count,
                   (struct piece){at, (1 + THREADS_SKIPPED_FEW) * (uint64_t)THREAD_SIZE, true});
    words = (words + PAGE - 1) / PAGE * PAGE;
    count = add(pieces, count, (struct piece){at, words, true});
    return add(pieces, count, (struct piece){at + nodes, THREAD_SPAN * THREAD_SIZE - nodes, true});
}

unsigned area_size_pieces(const struct area_size *size, struct piece pieces[MAX_PIECES])
{
    uint32_t open = size->threads < AREA_OPEN ? size->threads : AREA_OPEN;
    uint64_t others = THREAD_AT(MEMO_THREADS), opened = AREA_THREADS_AT + THREADS_SIZE(open);
    uint64_t chunks = AREA_CHUNKS_AT + (uint64_t)size->chunks * CHUNK_SIZE;
    uint64_t closed = (uint64_t)(size->threads - open) * THREAD_SIZE;
    unsigned count = add(pieces, 0, (struct piece){0, chunks, true});
    count = add(pieces, count, (struct piece){AREA_TABLES_AT, size->tables, true});
    for (uint32_t i = 0; i < MEMO_THREADS; i++)
        count = add_first(pieces, count, size, i);
    count = add(pieces, count, (struct piece){others, opened - others, true});
    return add(pieces, count, (struct piece){opened, closed, false});
}

uint64_t area_size_bytes(const struct area_size *size)
{
    struct piece pieces[MAX_PIECES];
    uint64_t bytes = 0;
    for (unsigned i = area_size_pieces(size, pieces); i-- > 0;)
        bytes += pieces[i].size;
    return bytes;
}

uint64_t area_size_share(uint64_t limit)
{
    return limit == RLIM_INFINITY ? UINT64_MAX : limit / SHARE;
}

uint64_t area_size_limit(pid_t pid)
{
    struct rlimit limit;
    return prlimit(pid, RLIMIT_AS, NULL, &limit) != 0 ? UINT64_MAX
                                                      : area_size_share(limit.rlim_cur);
}

/* ---- in this process ---- */

static bool map_pieces(const struct family *f, int fd, char *at)
{
    struct piece pieces[MAX_PIECES];
    unsigned count = area_size_pieces(f->size, pieces);
    for (unsigned i = 0; i < count; i++)
        if (mmap(at + pieces[i].at, pieces[i].size, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd,
                 (off_t)(f->place + pieces[i].at)) != at + pieces[i].at) {
            munmap(at, AREA_SIZE);
            return false;
        }
    return true;
}

_Static_assert(AREA_SIZE <= UINT64_C(8) << 30, "beside each other");

bool area_size_map(struct family *f, int fd, unsigned number)
{
    char *at = (char *)UINT64_C(0x1a0000000000) + number * (UINT64_C(8) << 30);
    for (f->size = sizes; f->size != NULL; f->size = area_size_smaller(f->size))
        if (map_pieces(f, fd, at)) {
            f->area = (struct area_head *)at;
            return true;
        }
    return false;
}

void area_size_use(struct family *f)
{
    f->area->thread_limit = f->size->threads;
    f->area->memo_grows = f->size->memo_grows;
    for (unsigned w = 0; w < AREA_CHUNKS / 32; w++)
        f->area->free_chunks[w] = w < f->size->chunks / 32 ? UINT32_MAX : 0;
}
