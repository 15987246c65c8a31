/* plans.h - what is to be written into the target for one hook, worked out before any of it is.
 *
 * All hooks of a file are planned on its code as it was, then jumps from anywhere into the bytes to
 * be overwritten are looked for, and only then the target is written to.
 */
#ifndef RECORDER_PLANS_H
#define RECORDER_PLANS_H

#include "code/detour.h"
#include "host.h"
#include "code/syscall_sites.h"

struct plan {
    uint32_t number;    /* of the hook */
    const char *what;   /* in words, should it be refused */
    struct moved moved; /* the copy, and the place that is patched */
    uint64_t hop;       /* 0, or padding that holds the jump; the patch is a short one to it */
    uint8_t head[STUB_MOVED];
    unsigned head_length; /* of what stands in the stub before the copy */
    uint8_t
        tail[STUB_ORIGIN - STUB_TAIL]; /* further code at STUB_TAIL; nothing where length is 0 */
    unsigned tail_length;
    uint8_t seen[JUMP_BYTES];  /* what stands there, by the code that it was planned on, */
    uint8_t there[JUMP_BYTES]; /* and in memory */
    enum refusal refusal;
};

struct plans {
    struct plan *list;
    size_t count, room;
};

/* A new number for a hook; NULL where there are too many. */
struct hook *hook_new(struct host *h, const struct process *p, uint32_t *number);
struct plan *plans_add(struct plans *plans);
void plans_free(struct plans *plans);

/* An executable part of a file, as the process has it. */
bool text_read(const struct process *p, const struct module *m, uint64_t start, size_t size,
               struct text *text);
void text_free(struct text *text);
/* The part around `address`. */
bool text_around(const struct process *p, const struct module *m, uint64_t address,
                 struct text *text);
/* The function from `address` on, to its end where that is known. */
bool function_at(const struct module *m, const struct text *text, uint64_t address,
                 uint64_t symbol_size, struct function *out);

/* A call of the agent at `entry` with the hook's number, then the moved entry of `f`. */
enum { NOTICE, WRAP };
void plan_function(struct host *h, struct process *p, struct plan *plan, const struct function *f,
                   int how);
/* The same where the function has no room for a jump: a short jump to padding near it. */
void plan_hop(struct host *h, struct process *p, struct plan *plan, const struct module *m,
              const struct text *text, const struct function *f);

/* Refuse what jumps from elsewhere lead into, then write the rest. Returns how many are in place;
 * each that is not has its refusal. */
size_t plans_carry_out(struct process *p, const struct module *m, const struct text *text,
                       struct plans *plans);
/* Write those that are not refused. */
void plans_put(struct process *p, struct plan *list, size_t count);
/* Say so; `vaddr` in the file. */
void plan_refused(struct host *h, const struct process *p, const struct plan *plan, uint64_t vaddr,
                  const char *path);
/* Write what was deferred (p->deferred), now that the target stands still. Those whose bytes a thread
 * stands in, which cannot be moved, stay in `plans` for another try, or to be given up: said. */
void plans_write(struct host *h, struct process *p, struct plans *plans);
void plans_give_up(struct host *h, const struct process *p, struct plans *plans);

#endif
