/* history/syscalls.c - memory syscalls, and which call made them. */
#include "inside.h"

enum { MAX_ERRNO = 4095, OUT_OF_MEMORY = 12, FIXED = 2, DONTUNMAP = 4 };

static const char *name_of(uint32_t number)
{
    static const struct {
        uint32_t number;
        const char *name;
    } names[] = MEMORY_SYSCALL_NAMES;
    for (size_t at = 0; at < sizeof names / sizeof *names; at++)
        if (names[at].number == number)
            return names[at].name;
    return NULL;
}

/* What the syscall was given besides address and length: only registers that it reads. */
static uint64_t arguments_of(struct history *h, uint32_t number, const uint64_t args[6],
                             const void *path, size_t length)
{
    uint64_t kept[6] = {0};
    int from = 2, to = number == MMAP ? 5 : number == MREMAP || number == PKEY_MPROTECT ? 3 : 2;
    if (number == MREMAP && args[3] & (FIXED | DONTUNMAP))
        to = 4;
    if (number == MUNMAP || number == BRK) {
        if (!length)
            return 0;
        to = 1;
    }
    for (int at = from; at <= to; at++)
        kept[at] = args[at];
    return argument_id(h, number, kept, path, length);
}

/* The un-nested call that holds `cause` reached the kernel: counted once. */
static void count_reached(struct history *h, struct thread *t, const struct call *cause)
{
    for (unsigned index = 0; index < REACHED; index++)
        if (t->reached[index] == cause->root + 1)
            return;
    t->reached[t->next_reached++ % REACHED] = cause->root + 1;
    h->groups[cause->root_group - 1].reached++;
}

static void begin(struct history *h, struct thread *t, struct group_key *key, uint64_t t_ns,
                  struct frame_node *frame, const struct shape *shape, struct call *cause)
{
    const struct process *p = &h->processes[t->process];
    key->pid = p->pid;
    key->image = p->image;
    key->phase = p->phase;
    key->process = t->process;
    key->region = t->region;
    key->within = cause ? cause->group : 0;
    uint32_t number = group_of(h, key, t_ns, frame);
    if (!number)
        return;
    t->syscall_group = number;
    t->syscall_t = t_ns;
    t->syscall_ptr = shape->ptr;
    t->syscall_seq = new_event(h, t_ns, t->tid, number, shape);
    if (cause)
        set_field(h, t->syscall_seq, CAUSE, t->syscall_seq - cause->seq);
    if (cause)
        count_reached(h, t, cause);
    h->groups[number - 1].count++;
    h->groups[number - 1].unfinished++;
    h->groups[number - 1].bytes += bytes_asked(shape);
    members_shape(&h->groups[number - 1].members, shape);
}

void history_sysenter(struct history *h, uint64_t t_ns, uint32_t pid, uint32_t tid, uint32_t number,
                      uint64_t sp, const uint64_t args[6], int32_t node, const void *path,
                      size_t length)
{
    const char *name = name_of(number);
    if (!name || h->failed) {
        h->unmatched[SYSCALLS_OF_UNKNOWN_NUMBER]++;
        return;
    }
    struct thread *t = thread_of(h, pid, tid);
    uint32_t known = name_id(h, 1, name, "");
    if (!t || !known)
        return;
    if (!t->born)
        t->born = ++h->births;
    struct frame_node *frame = frame_of(h, t, node);
    struct group_key key = {.name = known};
    struct shape shape = {.ptr = args[0], .present = HAS_PTR};
    if (number != BRK) {
        shape.size = args[1];
        shape.present |= HAS_SIZE;
    }
    key.stack = trace_stack(h, t, frame, node);
    struct call *cause = t->open ? call_around(t, sp, frame, node) : NULL;
    uint64_t arguments = arguments_of(h, number, args, path, length);
    begin(h, t, &key, since_start(h, t_ns), frame, &shape, cause);
    t->syscall_number = number;
    if (arguments && t->syscall_seq != NONE)
        set_field(h, t->syscall_seq, ARGS, arguments);
}

static void set_moved(struct history *h, struct thread *t, uint64_t before, uint64_t now)
{
    set_field(h, t->syscall_seq, SIZE, now - before);
    if (now < before)
        set_signed(h, t->syscall_seq);
    h->groups[t->syscall_group - 1].bytes += (wide)now - (wide)before;
    members_size(&h->groups[t->syscall_group - 1].members, now - before + MOVED_BASE);
}

/* brk returns the break as it is now: refused when that is not what was asked for. */
static int moved_break(struct history *h, struct thread *t, uint64_t now)
{
    struct process *p = &h->processes[t->process];
    uint64_t before = p->brk;
    int is_refused = t->syscall_ptr != 0 && now != t->syscall_ptr;
    p->brk = now;
    if (is_refused)
        set_field(h, t->syscall_seq, ERRNO, OUT_OF_MEMORY);
    if (t->syscall_ptr == 0 || is_refused)
        set_moved(h, t, now, now);
    else if (before != HISTORY_UNKNOWN)
        set_moved(h, t, before, now);
    return is_refused;
}

void history_sysleave(struct history *h, uint64_t t_ns, uint32_t pid, uint32_t tid, uint32_t number,
                      int64_t result)
{
    struct thread *t = h->failed ? NULL : known_thread(h, pid, tid);
    if (!t || t->syscall_seq == NONE || number != t->syscall_number) {
        h->unmatched[SYSRETURNS_WITHOUT_SYSCALL]++;
        return;
    }
    uint64_t now = since_start(h, t_ns);
    int has_failed = result < 0 && result >= -MAX_ERRNO;
    set_field(h, t->syscall_seq, DUR_NS, now > t->syscall_t ? now - t->syscall_t : 0);
    set_field(h, t->syscall_seq, has_failed ? ERRNO : RESULT,
              has_failed ? (uint64_t)-result : (uint64_t)result);
    if (number == BRK && !has_failed)
        has_failed = moved_break(h, t, (uint64_t)result);
    h->groups[t->syscall_group - 1].unfinished--;
    h->groups[t->syscall_group - 1].failed += has_failed != 0;
    t->syscall_seq = NONE;
}
