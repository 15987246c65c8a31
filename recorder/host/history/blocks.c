/* history/blocks.c - what allocations handed out, by address, from the allocation to its free.
 *
 * A block leaves the table of live ones when its free or realloc begins: before that call
 * returns, another thread may already be handed the address.
 */
#include "inside.h"

#include <stdlib.h>

static struct process *home(struct history *h, const struct thread *t)
{
    return &h->processes[t->process];
}

/* The bytes asked for; stops at 2^64 - 1. */
static uint64_t asked(const struct shape *shape)
{
    wide bytes = bytes_asked(shape);
    return bytes > (wide)UINT64_MAX ? UINT64_MAX : (uint64_t)bytes;
}

/* ---- the table: an address leads to a place in `blocks`; free places form a list ---- */

enum { BLOCKS_MADE = 1 << 15 }; /* nearly two MiB */

/* Room for one block more. Of many places most may never be used: their pages are made as they are
 * needed, many in one go. */
static int make_block_room(struct history *h, struct process *p)
{
    if (p->block_count == p->block_room) {
        uint32_t room = p->block_room ? 2 * p->block_room : 16;
        struct block *larger =
            room > p->block_room ? realloc(p->blocks, room * sizeof *larger) : NULL;
        if (!larger) {
            h->failed = 1;
            return -1;
        }
        p->blocks = larger;
        p->block_room = room;
    }
    if (p->block_count % BLOCKS_MADE == 0 && p->block_room - p->block_count >= BLOCKS_MADE)
        memory_soon(p->blocks + p->block_count, BLOCKS_MADE * sizeof *p->blocks);
    return 0;
}

/* A free place; 0: no memory. */
static uint32_t place(struct history *h, struct process *p)
{
    uint32_t number = p->block_free;
    if (number)
        p->block_free = (uint32_t)p->blocks[number - 1].number;
    else if (!make_block_room(h, p))
        number = ++p->block_count;
    return number;
}

/* The slot of the block at that address, or the empty one where it would be. There are slots. */
static inline struct index_slot *slot_of(const struct process *p, uint64_t address)
{
    uint32_t hash = address_hash(address);
    for (uint32_t at = hash & p->live.mask;; at = (at + 1) & p->live.mask) {
        struct index_slot *slot = &p->live.slots[at];
        if (!slot->number || (slot->hash == hash && p->blocks[slot->number - 1].address == address))
            return slot;
    }
}

static int is_live(const struct process *p, uint64_t address)
{
    return p->live.slots && slot_of(p, address)->number;
}

/* Whether a block was there before, which is gone unseen. */
static int put(struct history *h, struct process *p, const struct block *block)
{
    struct index_slot *slot = index_make_room(&p->live) ? NULL : slot_of(p, block->address);
    int was_there = slot && slot->number;
    uint32_t number = was_there ? slot->number : slot ? place(h, p) : 0;
    if (!number) {
        h->failed = 1;
        return 0;
    }
    must(2 * (uint64_t)p->live.count <= p->live.mask, "half of a table stays empty: a search ends");
    p->live.count += !was_there;
    *slot = (struct index_slot){number, address_hash(block->address)};
    p->blocks[number - 1] = *block;
    return was_there;
}

/* As put, for an address that is handed out. */
void block_put_new(struct history *h, struct process *p, const struct block *block)
{
    h->unmatched[BLOCKS_OVERWRITTEN] += (uint64_t)put(h, p, block);
}

int block_take(struct process *p, uint64_t address, struct block *block)
{
    struct index_slot *slot = p->live.slots ? slot_of(p, address) : NULL;
    uint32_t number = slot ? slot->number : 0;
    if (!number)
        return 0;
    index_take_out(&p->live, slot);
    must(number <= p->block_count, "a live block has a place");
    *block = p->blocks[number - 1];
    p->blocks[number - 1].number = p->block_free;
    p->block_free = number;
    return 1;
}

/* ---- nested calls that returned an address ---- */

static uint32_t take_inner(struct process *p, uint64_t address)
{
    return p->inner.count ? table_take(&p->inner, address) : 0;
}

static uint32_t free_inner(struct process *p, uint32_t number)
{
    uint32_t next = p->inners[number - 1].next;
    p->inners[number - 1].next = p->inner_free;
    p->inner_free = number;
    return next;
}

static uint32_t inner_place(struct history *h, struct process *p)
{
    uint32_t place = p->inner_free;
    if (place)
        p->inner_free = p->inners[place - 1].next;
    else if (!grow(h, (void **)&p->inners, &p->inner_room, p->inner_count + 1, sizeof *p->inners))
        place = ++p->inner_count;
    return place;
}

/* Remember the nested `call`, newest first; of older ones only what lies in the same call. */
static void add_inner(struct history *h, struct process *p, const struct call *call,
                      uint64_t address)
{
    uint32_t first = take_inner(p, address), *link = &first, place = inner_place(h, p);
    if (!place)
        return;
    while (*link) {
        struct inner *inner = &p->inners[*link - 1];
        if (inner->seq > call->outer)
            link = &inner->next;
        else
            *link = free_inner(p, *link);
    }
    p->inners[place - 1] = (struct inner){call->seq, call->outer, asked(&call->shape), first};
    h->failed |= table_put(&p->inner, address, place) != 0;
}

/* The nested calls that returned the same pointer worked on the same block. */
static void tell_inner(struct history *h, struct process *p, const struct call *call,
                       uint64_t address)
{
    for (uint32_t number = take_inner(p, address); number; number = free_inner(p, number))
        if (p->inners[number - 1].seq > call->seq)
            set_field(h, p->inners[number - 1].seq, BLOCK, call->number);
}

/* A nested call's memory, freed from outside: it was a block after all. 0: nobody's. */
static int adopt(struct history *h, struct process *p, uint64_t address, struct block *block)
{
    uint32_t number = take_inner(p, address);
    if (!number)
        return 0;
    const struct inner *last = &p->inners[number - 1];
    *block = (struct block){.address = address, .size = last->size, .seq = last->seq};
    block->last = last->seq;
    block->number = ++h->block_number;
    for (; number; number = free_inner(p, number))
        set_field(h, p->inners[number - 1].seq, BLOCK, block->number);
    return 1;
}

static const struct call *open_call(const struct thread *t, uint64_t seq)
{
    for (unsigned index = t->open; index; index--)
        if (t->calls[index - 1].seq == seq)
            return &t->calls[index - 1];
    return NULL;
}

/* A nested free(p) or realloc(p) inside the realloc(p) or free(p) of a block. */
static uint64_t known_to_outer(struct history *h, const struct thread *t, const struct call *call)
{
    uint64_t seq = call->outer, ptr, block, distance;
    while (seq != NONE) {
        const struct call *open = open_call(t, seq);
        int has_ptr = open ? (open->shape.present & HAS_PTR) != 0 : event_field(h, seq, PTR, &ptr);
        if (has_ptr && (open ? open->shape.ptr : ptr) == call->shape.ptr)
            return open ? open->number : event_field(h, seq, BLOCK, &block) ? block : 0;
        if (open)
            seq = open->outer;
        else
            seq = event_field(h, seq, OUTER, &distance) ? seq - distance : NONE;
    }
    return 0;
}

/* ---- what calls do ---- */

void block_begin(struct history *h, struct thread *t, struct call *call)
{
    struct process *p = home(h, t);
    struct block block;
    if (!call->shape.ptr)
        return;
    if (!block_take(p, call->shape.ptr, &block)) {
        if ((call->number = known_to_outer(h, t, call))) {
            set_field(h, call->seq, BLOCK, call->number);
            return;
        }
        if (!adopt(h, p, call->shape.ptr, &block)) {
            h->unknown_ends += call->outer == NONE;
            return;
        }
    }
    call->number = block.number;
    set_field(h, call->seq, BLOCK, block.number);
    if (h->groups[call->group - 1].first_seq == call->seq)
        h->groups[call->group - 1].first_before = block.last;
    if (call->outer == NONE) {
        members_block(h, call->group, &block);
        if (call->point != FREE)
            members_moved(&h->groups[call->group - 1].members, &block, asked(&call->shape));
    }
    if (call->point == FREE)
        live_free(h, &block);
    if (call->point != FREE)
        call->moving = block;
}

static void new_block(struct history *h, struct thread *t, struct call *call, uint64_t result)
{
    struct process *p = home(h, t);
    if (call->outer != NONE) {
        add_inner(h, p, call, result);
        return;
    }
    struct block block = {.address = result, .size = asked(&call->shape), .seq = call->seq};
    block.last = call->seq;
    call->number = block.number = ++h->block_number;
    set_field(h, call->seq, BLOCK, block.number);
    live_allocate(h, t, call, &block);
    block_put_new(h, p, &block);
    tell_inner(h, p, call, result);
}

/* `moved` is the caller's: a failed realloc leaves the block as it was. */
static void end_move(struct history *h, struct thread *t, struct call *call, uint64_t result,
                     int has_failed)
{
    struct process *p = home(h, t);
    struct block block = call->moving;
    call->moving.number = 0;
    if (has_failed) {
        put(h, p, &block);
    } else if (result) {
        block.address = result;
        block.size = asked(&call->shape);
        block.last = call->seq;
        if (call->outer == NONE)
            live_allocate(h, t, call, &block);
        else
            live_resize(h, call, &block);
        block_put_new(h, p, &block);
        tell_inner(h, p, call, result);
    } else if (bytes_asked(&call->shape) == 0) {
        live_free(h, &block); /* realloc(p, 0) */
    }
}

void block_end(struct history *h, struct thread *t, struct call *call, uint64_t result,
               int has_failed)
{
    if (call->point == FREE)
        return;
    if (call->moving.number)
        end_move(h, t, call, result, has_failed);
    else if (result && !call->number)
        new_block(h, t, call, result);
}

/* A call will never return. What it was moving counts as moved: a reader of the event cannot
 * know better. */
void block_forget(struct history *h, struct thread *t, struct call *call)
{
    if (!call->moving.number || call->outer != NONE)
        return;
    if (bytes_asked(&call->shape))
        live_allocate(h, t, call, &call->moving);
    else
        live_free(h, &call->moving);
}

/* The same, and the block is still there, as far as we know. */
void block_abandon(struct history *h, struct thread *t, struct call *call)
{
    struct process *p = home(h, t);
    if (!call->moving.number)
        return;
    block_forget(h, t, call);
    if (!is_live(p, call->moving.address))
        put(h, p, &call->moving);
    call->moving.number = 0;
}

/* ---- processes ---- */

/* Whether each place has a live block, or is in the list of free ones. */
static int places_are_known(const struct process *p)
{
    uint32_t count = p->live.count;
    for (uint32_t at = p->block_free; at && count <= p->block_count; count++)
        at = (uint32_t)p->blocks[at - 1].number;
    return count == p->block_count;
}

/* Whether each live block is found. */
static int addresses_are_known(const struct process *p)
{
    for (uint32_t at = 0; p->live.slots && at <= p->live.mask; at++) {
        const struct index_slot *slot = &p->live.slots[at];
        if (slot->number && slot_of(p, p->blocks[slot->number - 1].address) != slot)
            return 0;
    }
    return 1;
}

void blocks_free(struct process *p)
{
    must(addresses_are_known(p), "a live block is found by its own address");
    must(places_are_known(p), "each place for a block has a live one, or is free");
    index_clear(&p->live);
    table_clear(&p->inner);
    free(p->blocks);
    free(p->inners);
    p->blocks = NULL;
    p->inners = NULL;
    p->block_count = p->block_room = p->block_free = 0;
    p->inner_count = p->inner_room = p->inner_free = 0;
}

/* The child's copies are known, but not counted: `group` 0. */
void blocks_copy(struct history *h, const struct process *from, struct process *to)
{
    for (uint32_t at = 0; from->live.slots && at <= from->live.mask; at++) {
        if (!from->live.slots[at].number)
            continue;
        struct block block = from->blocks[from->live.slots[at].number - 1];
        block.group = 0;
        block.is_copy = 1;
        put(h, to, &block);
        to->copies.blocks++;
        to->copies.bytes += block.size;
    }
}
