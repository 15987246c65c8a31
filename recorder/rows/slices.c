/* rows/slices.c - events as slices of Perfetto's tracks: exports/slices.py says how. What all events of
 * a kind say of themselves is Python's; a kind are those of a group, a thread, and alike in whether they
 * have a duration and a block.
 */
#include "modes.h"
#include "out.h"

#include <errno.h>
#include <stdlib.h>

#include "table.h"

enum {
    TOGETHER = 1 << 12,   /* events: whose kinds are asked for at once */
    MOST_KINDS = 1 << 16, /* that are kept */
    LOW_BITS = 14,        /* of a time: two bytes; what is above follows */
    PIECES = 256,         /* bytes that a packet has at most besides what its kind says */
};
#define FOREVER UINT64_MAX

struct kind {
    struct text about;
    uint64_t process; /* bits of a block's number */
    uint64_t thread;
};

struct slice {
    uint64_t seq, end;
};

struct thread {
    struct slice *slices;
    uint64_t depth, room;
    struct text ends; /* what is behind the time of a packet that ends a slice */
};

static struct table kind_of;
static struct kind kinds[MOST_KINDS];
static uint32_t kind_of_row[TOGETHER];
static uint64_t kinds_known;
static struct thread *threads;
static uint64_t threads_known;
static uint64_t last; /* when the latest thing happened */

/* Of the format: what begins a packet, a time, an event in it, a size in that, and its two signs. */
static struct text packet, at_time, event_of, size_of, size_unsigned, size_signed;

static void begin(struct cursor *told)
{
    struct text *const all[] = {&packet,  &at_time,       &event_of,
                                &size_of, &size_unsigned, &size_signed};
    uint64_t length = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i] = take_kept(told);
        length += all[i]->length;
    }
    if (length > PIECES / 2)
        wire_failed(EPROTO);
}

static void forget_kinds(void)
{
    for (uint64_t i = 0; i < kinds_known; i++)
        free((void *)(uintptr_t)kinds[i].about.bytes);
    kinds_known = 0;
    table_clear(&kind_of);
}

static void keep_thread(uint64_t number, struct text ends)
{
    if (number < threads_known)
        return;
    if (number != threads_known || number >= UINT32_MAX)
        wire_failed(EPROTO);
    threads = realloc(threads, (number + 1) * sizeof *threads);
    uint8_t *copy = must_have(ends.length, 1);
    if (!threads)
        wire_failed(ENOMEM);
    memcpy(copy, ends.bytes, ends.length);
    threads[threads_known++] = (struct thread){.ends = {copy, ends.length}};
}

struct key {
    uint64_t group, tid, has;
};

static struct key key_of(const struct events *events, uint32_t row)
{
    uint64_t has = events->column[PRESENT][row] & (HAS_DUR_NS | HAS_BLOCK);
    return (struct key){events->column[GROUP][row], events->column[TID][row], has};
}

static void learn(const struct events *events, uint32_t first, uint32_t end)
{
    static struct key asked[TOGETHER];
    uint32_t number = 0;
    if (kinds_known + TOGETHER > MOST_KINDS)
        forget_kinds();
    for (uint32_t row = first; row < end; row++) {
        struct key key = key_of(events, row);
        uint64_t *value = table_at(&kind_of, key.group << 16 | key.has, key.tid);
        if (*value == TABLE_NONE) {
            *value = kinds_known + number;
            asked[number++] = key;
        }
        kind_of_row[row - first] = (uint32_t)*value;
    }
    if (!number)
        return;
    out_flush(); /* Python may write what they refer to */
    wire_say(ROWS_ASK, asked, number * sizeof *asked);
    struct cursor answer = wire_take(ROWS_ANSWER);
    for (uint32_t i = 0; i < number; i++) {
        struct kind *kind = &kinds[kinds_known++];
        kind->process = take_number(&answer);
        kind->thread = take_number(&answer);
        keep_thread(kind->thread, take_text(&answer));
        kind->about = take_kept(&answer);
        if (kind->thread >= threads_known)
            wire_failed(EPROTO);
    }
}

static uint8_t *put_text(uint8_t *at, struct text text)
{
    return put_bytes(at, text.bytes, text.length);
}

/* The head of a packet with an event of so many bytes: its time, and all in front of the event. */
static uint8_t *put_head(uint8_t *at, uint64_t t_ns, uint64_t length)
{
    uint64_t high = t_ns >> LOW_BITS;
    uint64_t in_all =
        at_time.length + 2 + varint_length(high) + event_of.length + varint_length(length) + length;
    at = put_varint(put_text(at, packet), in_all);
    at = put_text(at, at_time);
    *at++ = (uint8_t)(t_ns | 128);
    *at++ = (uint8_t)(t_ns >> 7 | 128);
    at = put_varint(at, high);
    return put_varint(put_text(at, event_of), length);
}

static void end_slice(const struct thread *thread, uint64_t t_ns)
{
    out_end(put_head(out_room(PIECES), t_ns, thread->ends.length));
    out_bytes(thread->ends.bytes, thread->ends.length);
}

/* End the slices from `depth` on, the innermost first; what had no end ends here. */
static void end_all(struct thread *thread, uint64_t depth, uint64_t t_ns)
{
    while (thread->depth > depth) {
        uint64_t end = thread->slices[--thread->depth].end;
        end = end < t_ns ? end : t_ns;
        end = end == FOREVER ? last : end;
        last = end > last ? end : last;
        end_slice(thread, end);
    }
}

/* How many slices are around an event that lies in `within`. */
static uint64_t depth_in(const struct thread *thread, uint64_t within)
{
    uint64_t depth = thread->depth;
    while (depth && thread->slices[depth - 1].seq != within)
        depth--;
    return depth;
}

static void push(struct thread *thread, uint64_t seq, uint64_t end)
{
    if (thread->depth == thread->room) {
        thread->room = 2 * thread->room + 8;
        thread->slices = realloc(thread->slices, thread->room * sizeof *thread->slices);
        if (!thread->slices)
            wire_failed(ENOMEM);
    }
    thread->slices[thread->depth++] = (struct slice){seq, end};
}

/* What it asked for, with its sign in front; nothing where it asked for nothing. */
static uint8_t *put_size(uint8_t *at, const struct events *events, uint32_t row)
{
    uint64_t has = events->column[PRESENT][row], size = events->column[SIZE][row];
    if (!(has & HAS_SIZE))
        return at;
    if (!(has & SIGNED_SIZE) && has & HAS_NMEMB &&
        __builtin_mul_overflow(size, events->column[NMEMB][row], &size))
        size = UINT64_MAX;
    struct text sign = has & SIGNED_SIZE ? size_signed : size_unsigned;
    at = put_varint(put_text(at, size_of), sign.length + varint_length(size));
    return put_varint(put_text(at, sign), size);
}

static void begin_slice(const struct events *events, uint32_t row, const struct kind *kind)
{
    uint64_t has = events->column[PRESENT][row];
    uint8_t said[PIECES], *end = said;
    if (has & HAS_BLOCK) {
        uint64_t block = events->column[BLOCK][row] + kind->process;
        end = put_bytes(end, &block, sizeof block);
    }
    end = put_size(end, events, row);
    size_t length = (size_t)(end - said);
    out_end(put_head(out_room(PIECES), events->column[T_NS][row], kind->about.length + length));
    out_bytes(kind->about.bytes, kind->about.length);
    out_bytes(said, length);
}

static void slice(const struct events *events, uint32_t row)
{
    const struct kind *kind = &kinds[kind_of_row[row % TOGETHER]];
    struct thread *thread = &threads[kind->thread];
    uint64_t has = events->column[PRESENT][row], t_ns = events->column[T_NS][row];
    uint64_t seq = events->first + row;
    uint64_t end = has & HAS_DUR_NS ? t_ns + events->column[DUR_NS][row] : FOREVER;
    if (has & (HAS_CAUSE | HAS_OUTER)) {
        uint64_t back = events->column[has & HAS_CAUSE ? CAUSE : OUTER][row];
        end_all(thread, depth_in(thread, seq - back), t_ns);
        if (thread->depth && thread->slices[thread->depth - 1].end < end)
            end = thread->slices[thread->depth - 1].end;
    } else {
        end_all(thread, 0, t_ns);
    }
    begin_slice(events, row, kind);
    push(thread, seq, end);
}

static void chunk(const struct events *now, const struct events *before)
{
    (void)before;
    for (uint32_t first = 0; first < now->count; first += TOGETHER) {
        uint32_t end = first + TOGETHER < now->count ? first + TOGETHER : now->count;
        learn(now, first, end);
        for (uint32_t row = first; row < end; row++)
            last = now->column[T_NS][row] > last ? now->column[T_NS][row] : last;
        for (uint32_t row = first; row < end; row++)
            slice(now, row);
    }
}

static void finish(void)
{
    for (uint64_t i = 0; i < threads_known; i++)
        end_all(&threads[i], 0, FOREVER);
    wire_say(ROWS_RESULT, &last, sizeof last);
}

const struct mode mode_slices = {
    .name = "slices",
    .columns = 1u << PRESENT | 1u << T_NS | 1u << TID | 1u << GROUP | 1u << DUR_NS | 1u << SIZE |
               1u << NMEMB | 1u << BLOCK | 1u << CAUSE | 1u << OUTER,
    .begin = begin,
    .chunk = chunk,
    .finish = finish,
};
