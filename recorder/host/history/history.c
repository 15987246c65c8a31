/* history.c - calls and memory syscalls as they come: each becomes an event. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>

enum { BAD_ARGUMENT = 22, OUT_OF_MEMORY = 12 };
#define CODE UINT32_MAX /* instead of a syscall's number: posix_memalign returned it */

/* What the arguments of a call are, by its hook. */
static void take_shape(struct shape *shape, const struct hook *hook, const uint64_t args[ARGUMENTS])
{
    *shape = (struct shape){0};
    for (unsigned at = 0; at < ARGUMENTS; at++) {
        uint64_t what = hook->arguments[at], value = args[at];
        if (what == ARGUMENT_FLAGS && (value & 63) != 0) { /* MALLOCX_LG_ALIGN, jemalloc(3) */
            what = HAS_ALIGN;
            value = UINT64_C(1) << (value & 63);
        }
        if (what == HAS_SIZE)
            shape->size = value;
        else if (what == HAS_NMEMB)
            shape->nmemb = value;
        else if (what == HAS_ALIGN)
            shape->align = value;
        else if (what == HAS_PTR)
            shape->ptr = value;
        else
            continue;
        shape->present |= what;
    }
}

struct history *history_new(history_sink *sink, void *owner)
{
    struct history *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->sink = sink;
    h->owner = owner;
    h->timeline.every = h->stages.every = h->stamp = 1;
    if (chunk_open(&h->chunk, HISTORY_CHUNK)) {
        history_free(h);
        return NULL;
    }
    return h;
}

void history_free(struct history *h)
{
    for (uint32_t index = 0; index < h->thread_count; index++)
        thread_free(&h->threads[index]);
    for (uint32_t index = 0; index < h->process_count; index++) {
        blocks_free(&h->processes[index]);
        free(h->processes[index].modules);
    }
    table_clear(&h->thread_of);
    table_clear(&h->hook_of);
    index_clear(&h->node_index);
    index_clear(&h->group_index);
    index_clear(&h->region_index);
    free_arguments(h->arguments);
    chunk_free(&h->chunk);
    free(h->threads);
    free(h->processes);
    free(h->hooks);
    free(h->names);
    free(h->nodes);
    free(h->groups);
    free(h->images);
    free(h->regions);
    free(h->stages.changes);
    free(h->stages.known);
    free(h->stages.changed);
    free(h);
}

int history_failed(const struct history *h)
{
    return h->failed;
}

uint64_t history_events(const struct history *h)
{
    return h->events;
}

void history_info(struct history *h, const char *json, size_t length)
{
    put_record(h, SPOOL_JSON, json, length);
}

/* ---- what calls and syscalls have in common ---- */

/* The group of an event of this thread that is about to begin. */
static uint32_t find_group(struct history *h, const struct thread *t, uint32_t name,
                           uint32_t within, int32_t stack, uint64_t t_ns, struct frame_node *frame)
{
    const struct process *p = &h->processes[t->process];
    struct group_key key = {.pid = p->pid,
                            .name = name,
                            .within = within,
                            .stack = stack,
                            .image = p->image,
                            .phase = p->phase,
                            .process = t->process,
                            .region = t->region};
    return group_of(h, &key, t_ns, frame);
}

static void count_begin(struct history *h, uint32_t group, const struct shape *shape)
{
    struct group *g = &h->groups[group - 1];
    g->count++;
    g->unfinished++;
    g->bytes += bytes_asked(shape);
    members_shape(&g->members, shape);
}

static void count_end(struct history *h, uint32_t group, int has_failed)
{
    struct group *g = &h->groups[group - 1];
    g->unfinished--;
    g->failed += has_failed != 0;
}

/* ---- calls ---- */

/* The open call that an event at `sp` lies in; its address holds until a call is opened. */
static struct call *around(struct thread *t, uint64_t sp, struct frame_node *frame, int32_t node)
{
    return t->open ? call_around(t, sp, frame, node) : NULL;
}

static uint64_t return_address(const struct thread *t, const struct frame_node *frame)
{
    return frame && frame->parent ? t->frames[frame->parent - 1].pc : NONE;
}

/* The call that was put behind the open ones becomes an event, and one of them. */
static void begin_call(struct history *h, struct thread *t, struct call *call, uint32_t name,
                       struct frame_node *frame, int32_t node)
{
    const struct call *outer = around(t, call->sp, frame, node);
    uint32_t within = outer ? outer->group : 0;
    call->outer = outer ? outer->seq : NONE;
    call->group = find_group(h, t, name, within, trace_stack(h, t, frame, node), call->t, frame);
    if (!call->group)
        return;
    if (frame && !outer) {
        frame->known_group = call->group;
        frame->known_hook = call->hook;
        frame->known_stamp = h->stamp;
    }
    call->seq = new_event(h, call->t, t->tid, call->group, &call->shape);
    call->root = outer ? outer->root : call->seq;
    call->root_group = outer ? outer->root_group : call->group;
    if (outer)
        set_field(h, call->seq, OUTER, call->seq - call->outer);
    count_begin(h, call->group, &call->shape);
    block_begin(h, t, push_call(h, t));
}

void history_enter(struct history *h, uint64_t t_ns, uint32_t pid, uint32_t tid, uint32_t hook_id,
                   uint64_t sp, const uint64_t args[3], int32_t node)
{
    const struct hook *hook = h->failed ? NULL : hook_of(h, hook_id);
    if (!hook) {
        h->unmatched[CALLS_OF_UNKNOWN_HOOK]++;
        return;
    }
    struct thread *t = thread_of(h, pid, tid);
    struct call *call = t ? next_call(h, t) : NULL;
    if (!call)
        return;
    if (!t->born)
        t->born = ++h->births;
    struct frame_node *frame = frame_of(h, t, node);
    call->sp = sp;
    call->back = return_address(t, frame);
    call->memptr = NONE;
    call->number = call->moving.number = call->moving.group = 0;
    call->hook = hook_id;
    call->point = hook->point;
    call->returns_size = hook->returns_size;
    take_shape(&call->shape, hook, args);
    if (t->open && is_repeated(t, call))
        return;
    if (t->open)
        call = drop_stale(h, t, call);
    call->t = since_start(h, t_ns);
    begin_call(h, t, call, hook->name, frame, node);
}

/* A pointer came back: it, or 0 where the call failed. */
static uint64_t take_result(struct history *h, const struct call *call, uint64_t result,
                            int *has_failed)
{
    const struct shape *shape = &call->shape;
    int has_asked = shape->size && (!(shape->present & HAS_NMEMB) || shape->nmemb);
    if (result || !has_asked)
        return result;
    int is_bad = shape->present & HAS_ALIGN && shape->align & (shape->align - 1);
    set_field(h, call->seq, ERRNO, is_bad ? BAD_ARGUMENT : OUT_OF_MEMORY);
    *has_failed = 1;
    return 0;
}

/* posix_memalign returns an int; the pointer was told before. */
static uint64_t take_code(struct history *h, const struct call *call, uint64_t result,
                          int *has_failed)
{
    int32_t code = (int32_t)(uint32_t)result;
    const uint64_t args[6] = {(uint64_t)(int64_t)code};
    set_field(h, call->seq, ARGS, argument_id(h, CODE, args, NULL, 0));
    if (code > 0) {
        set_field(h, call->seq, ERRNO, (uint64_t)code);
        *has_failed = 1;
    }
    if (code || call->memptr == NONE)
        return 0;
    set_field(h, call->seq, RESULT, call->memptr);
    return call->memptr;
}

static void end_call(struct history *h, struct thread *t, struct call *call, uint64_t now,
                     uint64_t result)
{
    if (call->returns_size) /* resized in place, if that is large enough */
        result = result >= call->shape.size ? call->shape.ptr : 0;
    int has_failed = 0, has_pointer = call->point != FREE && call->point != POSIX_MEMALIGN;
    set_end(h, call->seq, now > call->t ? now - call->t : 0, has_pointer, result);
    if (call->point == POSIX_MEMALIGN)
        result = take_code(h, call, result, &has_failed);
    else if (has_pointer)
        result = take_result(h, call, result, &has_failed);
    count_end(h, call->group, has_failed);
    block_end(h, t, call, result, has_failed);
}

void history_leave(struct history *h, uint64_t t_ns, uint32_t pid, uint32_t tid, uint32_t hook,
                   uint64_t sp, uint64_t result)
{
    struct thread *t = h->failed ? NULL : known_thread(h, pid, tid);
    (void)hook;
    if (t && t->open == 1 && t->calls[0].sp == sp) { /* nearly always */
        t->open = 0;
        end_call(h, t, &t->calls[0], since_start(h, t_ns), result);
        return;
    }
    struct call closed[MAX_OPEN];
    unsigned count = t ? close_calls(h, t, sp, closed) : 0;
    if (!count) {
        h->unmatched[RETURNS_WITHOUT_CALL]++;
        return;
    }
    while (count--) /* the inner of a tail jump first */
        end_call(h, t, &closed[count], since_start(h, t_ns), result);
}

void history_memptr(struct history *h, uint32_t pid, uint32_t tid, uint64_t pointer)
{
    struct thread *t = h->failed ? NULL : known_thread(h, pid, tid);
    for (uint32_t index = t ? t->open : 0; index; index--)
        if (t->calls[index - 1].point == POSIX_MEMALIGN) {
            t->calls[index - 1].memptr = pointer;
            return;
        }
    h->unmatched[MEMPTRS_WITHOUT_CALL]++;
}
