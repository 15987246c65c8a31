/* standing.h - where the threads of a stopped process will go on: in their registers, and in the
 * frames of signal handlers on their stacks. Words there are changed only where it is proven what
 * they are (chains.h).
 *
 * Return addresses need no look: none lies inside bytes that a detour overwrites, since calls there
 * are refused (detour.h, syscall_sites.h). Where a signal interrupted the code any instruction is possible.
 */
#ifndef RECORDER_STANDING_H
#define RECORDER_STANDING_H

#include "chains.h"
#include "saved.h"

struct moved;

#define STANDING_WORDS 3

struct place {
    pid_t tid;
    uint64_t slot; /* address that holds it, in a signal's frame; 0: the thread's own register */
    uint64_t pc;
};

struct standing {
    struct place *list;
    size_t count, room;
    const uint64_t *words;        /* return addresses that are looked for on the stacks; 0: none */
    size_t found[STANDING_WORDS]; /* how many there were of each */
    bool failed;                  /* memory ran out: the list is not whole */
    struct maps maps;
    const struct host *h;
    const struct process *p;
    struct chains *chains; /* NULL: not asked for yet */
    struct saved saved;    /* of what standing_find_saved looked for */
};

/* Look at all threads of `p`. `words` as above, or NULL. standing_free in any
 * case. What looks like a signal's frame is in the list; whether it is one is for standing_proof. */
void standing_find(struct standing *s, const struct host *h, const struct process *p,
                   const struct threads *threads, const uint64_t *words);
/* And words elsewhere that lead into one of the ranges: contexts that no thread runs now (saved.h). */
void standing_find_saved(struct standing *s, const struct threads *threads, struct range *ranges,
                         size_t count);
void standing_free(struct standing *s);
/* A thread's own register is alive. */
enum proof standing_proof(struct standing *s, const struct place *place);
/* Let it go on at `pc`. Only for what is proven to be alive. */
bool standing_move(const struct tracee *t, struct place *place, uint64_t pc);
/* Whether it waits in a system call that will begin again, at the instruction before its pc. */
bool standing_waits(const struct place *place);
/* `length` bytes at moved->patch will be overwritten: whoever stands in them goes on in the copy.
 * False: somebody cannot, or nobody knows whether what is there is a signal's frame. */
bool standing_step_aside(struct standing *s, const struct moved *moved, unsigned length);

#endif
