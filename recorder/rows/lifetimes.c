/* rows/lifetimes.c - see lifetimes.h. */
#include "lifetimes.h"

#include <errno.h>
#include <stdlib.h>

#include "modes.h"
#include "returning.h"
#include "table.h"

enum { DEEPEST = 100 /* calls in one another */ };

struct live {
    uint64_t block, size, t_ns, tid;
    uint64_t order; /* counts allocations */
    uint32_t group;
};

/* What Python told: by group what it does, its process, that one's program; all by its id. */
static const uint8_t *roles;
static uint32_t *process_of, *image_of;
static int is_one, watches_execs;
static void (*take)(const struct happened *);

static struct table live_of; /* block, process -> its place in `pool` */
static struct live *pool;
static uint64_t pool_room, pool_used, pool_free = TABLE_NONE; /* free ones by `block` */
static struct table latest; /* tid -> the block of its latest allocation, if that was its first */
static uint32_t *image_now; /* by process; 0: not known yet */
static uint64_t allocations;

void lifetimes_begin(struct cursor *told, void (*taker)(const struct happened *))
{
    take = taker;
    uint64_t processes = take_number(told);
    is_one = take_number(told) != 0;
    watches_execs = take_number(told) != 0;
    struct text told_roles = take_kept(told);
    if (told_roles.length != groups + 1)
        wire_failed(EPROTO);
    roles = told_roles.bytes;
    process_of = take_u32s(told, groups + 1);
    image_of = take_u32s(told, groups + 1);
    for (uint64_t group = 0; group <= groups; group++)
        if (process_of[group] >= processes && group)
            wire_failed(EPROTO);
    image_now = must_have(processes, sizeof *image_now);
}

int lifetimes_allocates(uint64_t group)
{
    return roles[group] == ROLE_REALLOC || roles[group] == ROLE_OTHER;
}

static uint64_t new_place(void)
{
    if (pool_free != TABLE_NONE) {
        uint64_t at = pool_free;
        pool_free = pool[at].block;
        return at;
    }
    if (pool_used == pool_room) {
        pool_room = pool_room + pool_room / 2 + 1024;
        pool = realloc(pool, pool_room * sizeof *pool);
        if (!pool)
            wire_failed(ENOMEM);
    }
    return pool_used++;
}

static void say(enum what what, uint64_t t_ns, const struct live *block, uint64_t size,
                uint64_t born)
{
    take(&(struct happened){what, block->group, t_ns, size, born, block->tid});
}

/* Take a block out; 0: it is not live. */
static int take_out(uint64_t block, uint64_t process, struct live *found)
{
    uint64_t at = table_take(&live_of, block, process);
    if (at == TABLE_NONE)
        return 0;
    *found = pool[at];
    pool[at].block = pool_free;
    pool_free = at;
    return 1;
}

/* A block of a thread and of a process as one number: blocks are below 2^44. */
static uint64_t whole(uint64_t block, uint64_t process)
{
    return block + (process << ROWS_PROCESS);
}

static void allocate(const struct returning *call)
{
    uint64_t process = process_of[call->group];
    struct live grown;
    int is_grown = take_out(call->block, process, &grown);
    if (is_grown)
        say(FREED, call->t_ns, &grown, grown.size, grown.t_ns);
    uint64_t at = new_place();
    pool[at] = (struct live){.block = call->block,
                             .size = call->size,
                             .t_ns = call->t_ns,
                             .tid = call->tid,
                             .order = allocations++,
                             .group = call->group};
    *table_at(&live_of, call->block, process) = at;
    *table_at(&latest, call->tid, 0) = is_grown ? 0 : whole(call->block, process);
    say(ALLOCATED, call->t_ns, &pool[at], call->size, call->t_ns);
}

/* The calls that have returned until then. */
static void returned(uint64_t until)
{
    struct returning call;
    while (returning_take(until, &call))
        allocate(&call);
}

static void free_block(uint64_t t_ns, uint64_t block, uint64_t process)
{
    if (returning_count() && table_get(&live_of, block, process) == TABLE_NONE)
        returned(UINT64_MAX); /* clocks are coarse: it was handed out before */
    struct live gone;
    if (!take_out(block, process, &gone))
        return;
    int is_latest = table_get(&latest, gone.tid, 0) == whole(block, process);
    say(is_latest ? TEMPORARY : FREED, t_ns, &gone, gone.size, gone.t_ns);
}

/* Whether a call around an event works on a block. */
static int is_around(const struct events *now, const struct events *before, uint32_t row,
                     uint64_t block, uint64_t process)
{
    uint64_t seq = now->first + row;
    for (int depth = 0; depth < DEEPEST; depth++) {
        const struct events *held = seq >= now->first ? now : before;
        if (!held || seq < held->first || !(held->column[PRESENT][seq - held->first] & HAS_OUTER))
            return 0;
        seq -= held->column[OUTER][seq - held->first];
        held = seq >= now->first ? now : before;
        if (!held || seq < held->first)
            return 0;
        uint64_t at = seq - held->first;
        if (held->column[PRESENT][at] & HAS_BLOCK && held->column[BLOCK][at] == block &&
            process_of[held->column[GROUP][at]] == process)
            return 1;
    }
    return 0;
}

static void resize(uint64_t t_ns, uint64_t block, uint64_t process, uint64_t size)
{
    uint64_t at = table_get(&live_of, block, process);
    if (at == TABLE_NONE)
        return;
    uint64_t before = pool[at].size;
    pool[at].size = size;
    say(RESIZED, t_ns, &pool[at], size, before);
}

static int by_order(const void *a, const void *b)
{
    const struct live *left = a, *right = b;
    return left->order < right->order ? -1 : left->order > right->order;
}

/* All blocks of a process end with its program, in the order in which they began. */
static void end_all(uint64_t process, uint64_t t_ns)
{
    struct live *gone = must_have(live_of.used, sizeof *gone);
    uint64_t count = 0;
    for (uint64_t at = 0; at < live_of.size; at++)
        if (live_of.slots[at].value != TABLE_NONE && live_of.slots[at].b == process)
            gone[count++] = pool[live_of.slots[at].value];
    qsort(gone, count, sizeof *gone, by_order);
    for (uint64_t i = 0; i < count; i++) {
        struct live *block = &gone[i];
        take_out(block->block, process, block);
        if (table_get(&latest, block->tid, 0) == whole(block->block, process))
            table_take(&latest, block->tid, 0);
        say(FREED, t_ns, block, block->size, block->t_ns);
    }
    free(gone);
}

static void watch_exec(uint64_t group, uint64_t t_ns)
{
    uint32_t *image = &image_now[process_of[group]];
    if (*image == image_of[group])
        return;
    int is_new = !*image;
    *image = image_of[group];
    if (is_new)
        return;
    returned(UINT64_MAX);
    end_all(process_of[group], t_ns);
}

static uint64_t bytes_of(const struct events *events, uint32_t row)
{
    uint64_t has = events->column[PRESENT][row], size = events->column[SIZE][row];
    if (!(has & HAS_SIZE))
        return 0;
    if (has & HAS_NMEMB && __builtin_mul_overflow(size, events->column[NMEMB][row], &size))
        return UINT64_MAX;
    return size;
}

static void event(const struct events *now, const struct events *before, uint32_t row)
{
    uint64_t has = now->column[PRESENT][row], group = now->column[GROUP][row];
    uint64_t t_ns = now->column[T_NS][row], block = now->column[BLOCK][row];
    if (watches_execs)
        watch_exec(group, t_ns);
    if (!(has & HAS_BLOCK))
        return;
    if (returning_count())
        returned(t_ns);
    uint64_t process = process_of[group], size = bytes_of(now, row);
    int is_end = roles[group] == ROLE_FREE || (roles[group] == ROLE_REALLOC && !size &&
                                               now->column[PTR][row] && !now->column[RESULT][row]);
    if (has & HAS_OUTER && is_around(now, before, row, block, process))
        return;
    if (is_end) {
        free_block(t_ns, block, process);
    } else if (has & HAS_ERRNO) {
        return;
    } else if (has & HAS_OUTER) {
        resize(t_ns, block, process, size);
    } else {
        struct returning call = {.seq = now->first + row,
                                 .t_ns = t_ns,
                                 .block = block,
                                 .size = size,
                                 .tid = now->column[TID][row],
                                 .group = (uint32_t)group};
        call.ended = t_ns + (has & HAS_DUR_NS ? now->column[DUR_NS][row] : 0);
        if (is_one)
            allocate(&call);
        else
            returning_put(&call);
    }
}

void lifetimes_chunk(const struct events *now, const struct events *before)
{
    for (uint32_t row = 0; row < now->count; row++)
        if (now->column[PRESENT][row] & HAS_BLOCK && now->column[BLOCK][row] >> ROWS_PROCESS)
            wire_damaged("damaged: block of an event behind %llu", (unsigned long long)now->first);
    for (uint32_t row = 0; row < now->count; row++)
        event(now, before, row);
}

void lifetimes_finish(void)
{
    returned(UINT64_MAX);
}
