/* saved.h - words in a stopped process's memory that lead into given code: contexts that were saved,
 * and that no thread is running now.
 *
 * A coroutine that a signal's handler has switched away from waits with the interrupted place on its
 * own stack, or in a copy of its registers anywhere. No thread's stack tells of it. So all memory that
 * can hold such a word is read: whatever could be one counts, and no word is ever changed.
 */
#ifndef RECORDER_SAVED_H
#define RECORDER_SAVED_H

#include "code/branches.h"
#include "chains.h"
#include "host.h"
#include "ptrace/threads.h"

/* struct sigcontext of asm/sigcontext.h, as the kernel leaves it and programs copy it: rsp, rip, flags,
 * then cs, gs, fs and ss in one word. */
#define SELECTORS UINT64_C(0x002b000000000033)
enum { RIP_BEFORE = 2, RSP_BEFORE = 3, FIRST_BEFORE = 18 }; /* words before it */

struct saved_word {
    uint64_t at, pc;
    enum saved_as { SAVED_ALONE, SAVED_AS_PC, SAVED_AS_REGISTER } as; /* in such a context */
};

struct saved {
    struct saved_word *list;
    size_t count, room;
    bool gave_up; /* not all was read: there may be others */
};

/* All words that lead into one of the ranges, which are sorted here. Left out is the data area, and what
 * a thread's stack has below its stack pointer. It stands meanwhile, and its clients wait: no more than
 * SAVED_MOST bytes are read, and where it seems to hold more, none. saved_free in any case. */
#define SAVED_MOST (UINT64_C(32) << 20) /* some 15 ms */
void saved_find(struct saved *s, const struct process *p, struct chains *chains,
                const struct maps *maps, const struct threads *threads, struct range *ranges,
                size_t count);
void saved_free(struct saved *s);
/* Whether that is one of them. */
bool saved_has(const struct saved *s, const struct saved_word *word);
/* Whether one of them leads into [low, high). */
bool saved_leads_into(const struct saved *s, uint64_t low, uint64_t high);

#endif
