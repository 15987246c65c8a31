/* spool_reader.c - an ordinary spool's records, one after the other, as calls of the history. */
#include "spool_reader.h"

#include <stdlib.h>
#include <string.h>
#include "host/history/table.h"
#include "spool_facts.h"

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

/* The next bytes as one of the contract's rows: record() has seen that they are there. */
#define ROW(r, name)                                                                               \
    struct spool_##name name;                                                                      \
    memcpy(&name, (r)->at, sizeof name);                                                           \
    (r)->at += sizeof name;                                                                        \
    (r)->left -= sizeof name

/* ---- information ---- */

static unsigned phase_number(const char *name)
{
    static const char *const names[PHASES] = PHASE_NAMES;
    unsigned phase = 0;
    while (phase < PHASES && strcmp(name, names[phase]))
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
    ROW(r, stack);
    struct stack new = {.id = stack.id, .cut = stack.cut};
    new.count = (uint32_t)(r->left / sizeof(struct spool_frame));
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
    ROW(r, enter);
    *call = (struct history_call){.t = enter.t_ns,
                                  .pid = r->pid,
                                  .tid = enter.tid,
                                  .hook = enter.hook,
                                  .sp = enter.sp,
                                  .args = {enter.args[0], enter.args[1], enter.args[2]}};
    call->node = node_of(r, call->tid, enter.stack);
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
    ROW(r, leave);
    if (!r->options.together || call->tid != leave.tid || call->hook != leave.hook ||
        call->sp != leave.sp)
        let_go(r);
    call->end = leave.t_ns;
    call->result = leave.result;
    if (r->holds)
        history_call(r->h, call);
    else
        history_leave(r->h, leave.t_ns, r->pid, leave.tid, leave.hook, leave.sp, leave.result);
    r->holds = 0;
}

static void sysenter(struct reader *r)
{
    ROW(r, sysenter);
    int32_t node = node_of(r, sysenter.tid, sysenter.stack);
    history_sysenter(r->h, sysenter.t_ns, r->pid, sysenter.tid, sysenter.number, sysenter.sp,
                     sysenter.args, node, r->at, r->left);
}

static void sysleave(struct reader *r)
{
    ROW(r, sysleave);
    history_sysleave(r->h, sysleave.t_ns, r->pid, sysleave.tid, sysleave.number, sysleave.result);
}

static const char *record(struct reader *r, unsigned kind, const uint8_t *payload, size_t length)
{
    static const size_t least[] = {0,
                                   2,
                                   sizeof(struct spool_stack),
                                   sizeof(struct spool_enter),
                                   sizeof(struct spool_leave),
                                   sizeof(struct spool_sysenter),
                                   sizeof(struct spool_sysleave)};
    static const size_t most[] = {0,
                                  SPOOL_MAX_PAYLOAD,
                                  SPOOL_MAX_PAYLOAD,
                                  sizeof(struct spool_enter),
                                  sizeof(struct spool_leave),
                                  SPOOL_MAX_PAYLOAD,
                                  sizeof(struct spool_sysleave)};
    if (kind < SPOOL_JSON || kind > SPOOL_SYSLEAVE || length < least[kind] || length > most[kind])
        return "a record of an unknown kind or length";
    if (kind == SPOOL_STACK && (length - sizeof(struct spool_stack)) % sizeof(struct spool_frame))
        return "a stack of odd length";
    r->at = payload;
    r->left = length;
    if (kind != SPOOL_LEAVE)
        let_go(r);
    switch (kind) {
    case SPOOL_JSON:
        info(r, (const char *)payload, length);
        return NULL;
    case SPOOL_STACK:
        return stack(r);
    case SPOOL_ENTER:
        enter(r);
        return NULL;
    case SPOOL_LEAVE:
        leave(r);
        return NULL;
    case SPOOL_SYSENTER:
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
    struct spool_record head;
    for (uint64_t count = 1; !wrong && fread(&head, 1, sizeof head, file) == sizeof head; count++) {
        uint32_t length = head.length;
        if (length > SPOOL_MAX_PAYLOAD)
            return "a record that is too long";
        if (fread(payload, 1, length, file) < length)
            return NULL; /* cut off */
        wrong = record(r, head.kind, payload, length);
        if (r->options.flush_every && count % r->options.flush_every == 0)
            history_flush(r->h);
    }
    return wrong;
}

const char *spool_to_history(FILE *file, struct history *h, const struct reader_options *options)
{
    struct reader r = {.h = h, .options = *options};
    struct spool_file head;
    uint8_t *payload = malloc(SPOOL_MAX_PAYLOAD);
    const char *wrong = payload ? "no spool" : "no memory";
    if (payload && fread(&head, 1, sizeof head, file) == sizeof head &&
        !memcmp(head.magic, SPOOL_MAGIC, sizeof head.magic))
        wrong = records(&r, file, payload);
    let_go(&r);
    for (uint32_t at = 0; at < r.count; at++)
        free(r.stacks[at].frames);
    free(r.stacks);
    table_clear(&r.stack_of);
    free(payload);
    return wrong;
}
