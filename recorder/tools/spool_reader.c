/* spool_reader.c - an ordinary spool's records, one after the other, as calls of the history. */
#include "spool_reader.h"

#include <stdlib.h>
#include <string.h>
#include "host/history_table.h"
#include "spool_facts.h"

enum { INFO = 1, STACK, ENTER, LEAVE, SYSENTER, SYSLEAVE };
enum { NEVER_WRITTEN = 0x7ffffff0 };

struct stack {
    uint32_t id, cut, count;
    uint64_t *frames;          /* pc and slot of each, innermost first */
    uint32_t tid, node, round; /* whose numbers it has now, and which */
};

struct reader {
    struct history *h;
    struct reader_options options;
    uint32_t pid, image, next_node, round;
    struct stack *stacks;
    uint32_t count, room;
    struct table stack_of;
    const uint8_t *at;
    size_t left;
    struct history_call held; /* begun, where `holds` */
    int holds;
};

static uint64_t word(struct reader *r, unsigned bytes)
{
    uint64_t value = 0;
    if (r->left < bytes)
        return r->left = 0;
    memcpy(&value, r->at, bytes);
    r->at += bytes;
    r->left -= bytes;
    return value;
}

/* ---- information ---- */

static unsigned phase_number(const char *name)
{
    static const char *const names[] = {"load", "init", "main", "exit"};
    unsigned phase = 0;
    while (phase < 4 && strcmp(name, names[phase]))
        phase++;
    return phase;
}

static void tell(struct reader *r, const struct facts *facts)
{
    struct history *h = r->h;
    if (!strcmp(facts->type, "run")) {
        r->pid = (uint32_t)facts->pid;
        if (facts->has_started)
            history_start(h, r->pid, facts->started);
    } else if (!strcmp(facts->type, "image")) {
        r->round += facts->index != r->image;
        r->image = (uint32_t)facts->index;
        history_image(h, r->pid, facts->index);
    } else if (!strcmp(facts->type, "module")) {
        history_module(h, r->pid, facts->id, facts->start, facts->end);
    } else if (!strcmp(facts->type, "unmodule")) {
        history_unmodule(h, r->pid, facts->id);
    } else if (!strcmp(facts->type, "hook")) {
        history_hook_named(
            h, (uint32_t)facts->id, facts->name, facts->has_impl ? facts->impl : facts->name,
            facts->has_arguments ? facts->arguments : NULL, !strcmp(facts->returns, "size"));
    } else if (!strcmp(facts->type, "phase")) {
        history_phase(h, r->pid, phase_number(facts->phase), facts->brk);
    } else if (!strcmp(facts->type, "thread")) {
        history_thread(h, r->pid, (uint32_t)facts->tid);
    }
}

static void info(struct reader *r, const char *payload, size_t length)
{
    struct facts facts = {.brk = HISTORY_UNKNOWN};
    facts_read(&facts, payload, length);
    if (!strcmp(facts.type, "memptr")) {
        history_memptr(r->h, r->pid, (uint32_t)facts.tid, facts.value);
        return;
    }
    if (!strcmp(facts.type, "region_begin")) {
        history_region_begin(r->h, facts.t_ns, r->pid, (uint32_t)facts.tid, facts.value);
        return;
    }
    if (!strcmp(facts.type, "region_end")) {
        history_region_end(r->h, r->pid, (uint32_t)facts.tid);
        return;
    }
    tell(r, &facts);
    history_info(r->h, payload, length);
}

/* ---- stacks ---- */

static const char *stack(struct reader *r)
{
    struct stack new = {.id = (uint32_t)word(r, 4)};
    new.cut = (uint32_t)word(r, 1);
    word(r, 3);
    new.count = (uint32_t)(r->left / 16);
    if (table_get(&r->stack_of, new.id))
        return NULL;
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 256;
        struct stack *larger = realloc(r->stacks, r->room * sizeof *larger);
        if (!larger)
            return "no memory";
        r->stacks = larger;
    }
    new.frames = malloc(r->left + 1);
    if (!new.frames || table_put(&r->stack_of, new.id, r->count + 1)) {
        free(new.frames);
        return "no memory";
    }
    memcpy(new.frames, r->at, r->left);
    r->stacks[r->count++] = new;
    return NULL;
}

/* Tell the frames of a stack, outermost first; they get the numbers that are next. */
static void define(struct reader *r, uint32_t tid, struct stack *stack)
{
    if (r->next_node + stack->count > r->options.node_numbers) {
        r->next_node = 0;
        r->round++;
    }
    int32_t parent = -(int32_t)stack->cut;
    for (uint32_t at = stack->count; at; at--) {
        const uint64_t *frame = &stack->frames[2 * (at - 1)];
        uint32_t number = ++r->next_node;
        history_node(r->h, r->pid, tid, number, parent, frame[0], frame[1]);
        parent = (int32_t)number;
    }
    stack->tid = tid;
    stack->node = r->next_node;
    stack->round = r->round;
}

static int32_t node_of(struct reader *r, uint32_t tid, uint32_t id)
{
    uint32_t number = table_get(&r->stack_of, id);
    if (!number)
        return id ? NEVER_WRITTEN : HISTORY_NO_STACK;
    struct stack *stack = &r->stacks[number - 1];
    if (!stack->count)
        return -(int32_t)stack->cut;
    if (!stack->node || stack->tid != tid || stack->round != r->round)
        define(r, tid, stack);
    return (int32_t)stack->node;
}

/* ---- events ---- */

/* A call is held back until the next record: its return, or anything else. */
static void enter(struct reader *r)
{
    struct history_call *call = &r->held;
    *call = (struct history_call){.t = word(r, 8), .pid = r->pid};
    call->tid = (uint32_t)word(r, 4);
    call->hook = (uint32_t)word(r, 4);
    call->sp = word(r, 8);
    for (int at = 0; at < 3; at++)
        call->args[at] = word(r, 8);
    call->node = node_of(r, call->tid, (uint32_t)word(r, 4));
    r->holds = 1;
}

static void let_go(struct reader *r)
{
    const struct history_call *call = &r->held;
    if (r->holds)
        history_enter(r->h, call->t, call->pid, call->tid, call->hook, call->sp, call->args,
                      call->node);
    r->holds = 0;
}

static void leave(struct reader *r)
{
    struct history_call *call = &r->held;
    uint64_t t = word(r, 8);
    uint32_t tid = (uint32_t)word(r, 4), hook = (uint32_t)word(r, 4);
    uint64_t sp = word(r, 8), result = word(r, 8);
    if (!r->options.together || call->tid != tid || call->hook != hook || call->sp != sp)
        let_go(r);
    call->end = t;
    call->result = result;
    if (r->holds)
        history_call(r->h, call);
    else
        history_leave(r->h, t, r->pid, tid, hook, sp, result);
    r->holds = 0;
}

static void sysenter(struct reader *r)
{
    uint64_t t = word(r, 8), args[6];
    uint32_t tid = (uint32_t)word(r, 4), number = (uint32_t)word(r, 4);
    uint64_t sp = word(r, 8);
    for (int at = 0; at < 6; at++)
        args[at] = word(r, 8);
    int32_t node = node_of(r, tid, (uint32_t)word(r, 4));
    word(r, 4);
    history_sysenter(r->h, t, r->pid, tid, number, sp, args, node, r->at, r->left);
}

static void sysleave(struct reader *r)
{
    uint64_t t = word(r, 8);
    uint32_t tid = (uint32_t)word(r, 4), number = (uint32_t)word(r, 4);
    history_sysleave(r->h, t, r->pid, tid, number, (int64_t)word(r, 8));
}

static const char *record(struct reader *r, unsigned kind, const uint8_t *payload, size_t length)
{
    static const size_t least[] = {0, 2, 8, 56, 32, 80, 24};
    static const size_t most[] = {
        0, HISTORY_MAX_RECORD, HISTORY_MAX_RECORD, 56, 32, HISTORY_MAX_RECORD, 24};
    if (kind < INFO || kind > SYSLEAVE || length < least[kind] || length > most[kind])
        return "a record of an unknown kind or length";
    if (kind == STACK && (length - 8) % 16)
        return "a stack of odd length";
    r->at = payload;
    r->left = length;
    if (kind != LEAVE)
        let_go(r);
    switch (kind) {
    case INFO:
        info(r, (const char *)payload, length);
        return NULL;
    case STACK:
        return stack(r);
    case ENTER:
        enter(r);
        return NULL;
    case LEAVE:
        leave(r);
        return NULL;
    case SYSENTER:
        sysenter(r);
        return NULL;
    default:
        sysleave(r);
        return NULL;
    }
}

static const char *records(struct reader *r, FILE *file, uint8_t *payload)
{
    const char *wrong = NULL;
    uint8_t head[8];
    for (uint64_t count = 1; !wrong && fread(head, 1, 8, file) == 8; count++) {
        uint32_t length;
        memcpy(&length, head, 4);
        if (length > HISTORY_MAX_RECORD)
            return "a record that is too long";
        if (fread(payload, 1, length, file) < length)
            return NULL; /* cut off */
        wrong = record(r, head[4], payload, length);
        if (r->options.flush_every && count % r->options.flush_every == 0)
            history_flush(r->h);
    }
    return wrong;
}

const char *spool_to_history(FILE *file, struct history *h, const struct reader_options *options)
{
    struct reader r = {.h = h, .options = *options};
    uint8_t head[16], *payload = malloc(HISTORY_MAX_RECORD);
    const char *wrong = payload ? "no spool" : "no memory";
    if (payload && fread(head, 1, 16, file) == 16 && !memcmp(head, "brkspool", 8))
        wrong = records(&r, file, payload);
    let_go(&r);
    for (uint32_t at = 0; at < r.count; at++)
        free(r.stacks[at].frames);
    free(r.stacks);
    table_clear(&r.stack_of);
    free(payload);
    return wrong;
}
