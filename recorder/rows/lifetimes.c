/* rows/lifetimes.c - see lifetimes.h. */
#include "lifetimes.h"

#include <errno.h>
#include <stdlib.h>

#include "modes.h"
#include "returning.h"
#include "table.h"

enum { TOGETHER = 16 /* blocks with neighbouring numbers */ };

struct live {
    uint64_t block, size, t_ns, tid;
    uint64_t order; /* counts allocations, where programs may be replaced */
    uint32_t group;
};

/* Neighbours lie together: with ten million of them live a block takes some 28 bytes. */
struct few {
    uint64_t t_ns[TOGETHER], size[TOGETHER];
    uint32_t thread[TOGETHER], group[TOGETHER];
    uint32_t are_live; /* bits; of none of them: */
    uint32_t next;     /* that is free, or NO_PLACE */
};
#define NO_PLACE UINT32_MAX
#define NO_BLOCK ((uint64_t)1 << ROWS_PROCESS) /* that a free could make temporary */

/* What Python told: by group what it does, its process, that one's program; all by its id. */
static const uint8_t *roles;
static uint32_t *process_of, *image_of;
static int is_one, watches_execs;
static void (*take)(const struct happened *);

static struct table few_of; /* block / TOGETHER, process -> its place in `pool` */
static struct few *pool;
static uint64_t (*orders)[TOGETHER]; /* beside it */
static uint64_t pool_room, pool_used;
static uint32_t pool_free = NO_PLACE;
static struct table thread_of; /* tid -> its place in `tids` */
static uint64_t *tids;
static uint64_t tids_room;
static struct table latest; /* tid, 0 or 1 -> the block of its latest allocation, its process */
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

static void *larger(void *array, uint64_t count, size_t size)
{
    array = realloc(array, count * size);
    if (!array)
        wire_failed(ENOMEM);
    return array;
}

static uint32_t new_place(void)
{
    if (pool_free != NO_PLACE) {
        uint32_t at = pool_free;
        pool_free = pool[at].next;
        return at;
    }
    if (pool_used == pool_room) {
        pool_room = pool_room + pool_room / 4 + 1024;
        if (pool_room >= NO_PLACE)
            wire_failed(ENOMEM);
        pool = larger(pool, pool_room, sizeof *pool);
        if (watches_execs)
            orders = larger(orders, pool_room, sizeof *orders);
    }
    return (uint32_t)pool_used++;
}

static uint32_t thread_at(uint64_t tid)
{
    uint64_t *at = table_at(&thread_of, tid, 0);
    if (*at != TABLE_NONE)
        return (uint32_t)*at;
    *at = thread_of.used - 1;
    if (thread_of.used > tids_room) {
        tids_room = 2 * tids_room + 64;
        tids = larger(tids, tids_room, sizeof *tids);
    }
    tids[*at] = tid;
    return (uint32_t)*at;
}

/* Where it is; NULL: it is not live. */
static struct few *find(uint64_t block, uint64_t process)
{
    uint64_t at = table_get(&few_of, block / TOGETHER, process);
    if (at == TABLE_NONE || !(pool[at].are_live >> block % TOGETHER & 1))
        return NULL;
    return &pool[at];
}

static struct live copy_of(const struct few *few, uint64_t block)
{
    uint64_t i = block % TOGETHER;
    return (struct live){.block = block,
                         .size = few->size[i],
                         .t_ns = few->t_ns[i],
                         .tid = tids[few->thread[i]],
                         .order = orders ? orders[few - pool][i] : 0,
                         .group = few->group[i]};
}

static void put_in(const struct live *block, uint64_t process)
{
    uint64_t i = block->block % TOGETHER, *at = table_at(&few_of, block->block / TOGETHER, process);
    if (*at == TABLE_NONE) {
        *at = new_place();
        pool[*at].are_live = 0;
    }
    struct few *few = &pool[*at];
    few->t_ns[i] = block->t_ns;
    few->size[i] = block->size;
    few->thread[i] = thread_at(block->tid);
    few->group[i] = block->group;
    few->are_live |= 1u << i;
    if (orders)
        orders[*at][i] = block->order;
}

static void say(enum what what, uint64_t t_ns, const struct live *block, uint64_t size,
                uint64_t born)
{
    take(&(struct happened){what, block->group, t_ns, size, born, block->tid});
}

/* Take a block out; 0: it is not live. */
static int take_out(uint64_t block, uint64_t process, struct live *found)
{
    struct few *few = find(block, process);
    if (!few)
        return 0;
    *found = copy_of(few, block);
    few->are_live &= ~(1u << block % TOGETHER);
    if (!few->are_live) {
        table_take(&few_of, block / TOGETHER, process);
        few->next = pool_free;
        pool_free = (uint32_t)(few - pool);
    }
    return 1;
}

static void set_latest(uint64_t tid, uint64_t block, uint64_t process)
{
    *table_at(&latest, tid, 0) = block;
    *table_at(&latest, tid, 1) = process;
}

static int is_latest(uint64_t tid, uint64_t block, uint64_t process)
{
    return table_get(&latest, tid, 0) == block && table_get(&latest, tid, 1) == process;
}

static void allocate(const struct returning *call)
{
    uint64_t process = process_of[call->group];
    struct live grown;
    int is_grown = take_out(call->block, process, &grown);
    if (is_grown)
        say(FREED, call->t_ns, &grown, grown.size, grown.t_ns);
    struct live block = {.block = call->block,
                         .size = call->size,
                         .t_ns = call->t_ns,
                         .tid = call->tid,
                         .order = allocations++,
                         .group = call->group};
    put_in(&block, process);
    set_latest(call->tid, is_grown ? NO_BLOCK : call->block, process);
    say(ALLOCATED, call->t_ns, &block, call->size, call->t_ns);
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
    if (returning_count() && !find(block, process))
        returned(UINT64_MAX); /* clocks are coarse: it was handed out before */
    struct live gone;
    if (!take_out(block, process, &gone))
        return;
    int is_temporary = is_latest(gone.tid, block, process);
    say(is_temporary ? TEMPORARY : FREED, t_ns, &gone, gone.size, gone.t_ns);
}

/* Whether a call around an event works on a block. */
static int is_around(const struct events *now, const struct events *before, uint32_t row,
                     uint64_t block, uint64_t process)
{
    uint64_t seq = now->first + row;
    for (int depth = 0; depth < ROWS_DEEPEST; depth++) {
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
    struct few *few = find(block, process);
    if (!few)
        return;
    struct live resized = copy_of(few, block);
    few->size[block % TOGETHER] = size;
    say(RESIZED, t_ns, &resized, size, resized.size);
}

static int by_order(const void *a, const void *b)
{
    const struct live *left = a, *right = b;
    return left->order < right->order ? -1 : left->order > right->order;
}

/* All blocks of a process end with its program, in the order in which they began. */
static void end_all(uint64_t process, uint64_t t_ns)
{
    struct live *gone = must_have(few_of.used, TOGETHER * sizeof *gone);
    uint64_t count = 0;
    for (uint64_t at = 0; at < few_of.size; at++) {
        const struct slot *slot = &few_of.slots[at];
        if (slot->value == TABLE_NONE || slot->b != process)
            continue;
        for (uint64_t i = 0; i < TOGETHER; i++)
            if (pool[slot->value].are_live >> i & 1)
                gone[count++] = copy_of(&pool[slot->value], slot->a * TOGETHER + i);
    }
    qsort(gone, count, sizeof *gone, by_order);
    for (uint64_t i = 0; i < count; i++) {
        struct live *block = &gone[i];
        take_out(block->block, process, block);
        if (is_latest(block->tid, block->block, process))
            set_latest(block->tid, NO_BLOCK, process);
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
