/* history.h - what happened: events, blocks, stacks and sums, out of what a recorder saw.
 *
 * The caller tells what threads did, in the order of its clock; the history pairs calls with
 * their returns, nests them, finds which call made which memory syscall, follows blocks, and
 * hands out records of a spool (docs/trace-format.md): events as compressed columns, stacks as a
 * tree, sums. The rules are those of alloctrace/history/history.py, in docs/architecture.md; a test holds
 * both beside each other. Memory: live blocks, distinct stacks and one chunk of events.
 *
 * Nothing here prints, exits or reads the environment. Times are nanoseconds of the caller's
 * clock; sizes are bytes. Whatever is told may be wrong or hostile: it is counted, never trusted.
 * Not thread-safe: one history, one caller. Where memory runs out, or a record could not be
 * written, history_failed() says so and everything told later is ignored.
 */
#ifndef BRKPOINT_HISTORY_H
#define BRKPOINT_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "contract.h"

struct history;

enum {
    HISTORY_CHUNK = 16384,         /* events of a full chunk; a reader takes up to 65536 */
    HISTORY_NO_STACK = -0x7fffffff /* a node: the stack of an event is not known */
};

#define HISTORY_UNKNOWN UINT64_MAX /* a break that the caller did not ask for */

/* Takes a record: what `payload` points to is the history's, until this returns. 0, or -1 where
 * it could not be kept. */
typedef int history_sink(void *owner, enum spool_kind kind, const void *payload, size_t length);

/* NULL: no memory. `owner` is handed to `sink`. */
struct history *history_new(history_sink *sink, void *owner);
void history_free(struct history *h);

/* To be told first: hand out no events but the first HISTORY_CHUNK, which tell readers what the
 * groups are about. Sums are handed out on the way, each time that an eighth more is known. */
void history_keep_totals(struct history *h);

/* `at_work` is called again and again while something takes long, whether or not a record is written:
 * who waits for the end can tell by it that this is no standstill. */
void history_tell_work(struct history *h, void (*at_work)(void *owner));

/* Whether memory ran out or a record could not be written. */
int history_failed(const struct history *h);

/* ---- what is known of the run. Each is to be told before the events that it is about. ----
 *
 * An information record for readers (modules with their paths, phases with resident memory,
 * notes …) is passed on as it is; it means nothing to the history. Text, at most
 * SPOOL_MAX_PAYLOAD bytes. */
void history_info(struct history *h, const char *json, size_t length);

/* The process that runs from the start, and the time from which times count. */
void history_start(struct history *h, uint32_t pid, uint64_t started);

/* An entry point; its canonical name (malloc, calloc …), and the function really entered. */
void history_hook(struct history *h, uint32_t id, const char *name, const char *impl);
/* The same of another allocator's. `arguments`: what those that are told are, as words.SIGNATURES of
 * alloctrace/words.py has it, or NULL: as the entry point's. `returns_size`: it resizes in place, and
 * returns the size that the block has now. */
void history_hook_named(struct history *h, uint32_t id, const char *name, const char *impl,
                        const char *arguments, int returns_size);

/* Program `index` begins in this process: every exec of the run has a number of its own. */
void history_image(struct history *h, uint32_t pid, uint64_t index);

/* A file was mapped as code, or is gone. Where addresses are used again, stacks stay apart. */
void history_module(struct history *h, uint32_t pid, uint64_t id, uint64_t start, uint64_t end);
void history_unmodule(struct history *h, uint32_t pid, uint64_t id);

/* A phase begins: 0 load, 1 init, 2 main, 3 exit. `brk`: the break, or HISTORY_UNKNOWN. One that
 * goes back is ignored. */
void history_phase(struct history *h, uint32_t pid, unsigned phase, uint64_t brk);

/* A thread begins: what an earlier one of that number left open is over. */
void history_thread(struct history *h, uint32_t pid, uint32_t tid);

/* A thread is gone: its open calls never return, and what was kept for it is given back. Need not
 * be told. */
void history_thread_end(struct history *h, uint32_t pid, uint32_t tid);

/* A child begins with copies of its parent's blocks. They are known there, but counted once: in
 * the parent. history_exit: the process is gone; its live blocks are leaked. */
void history_fork(struct history *h, uint32_t parent, uint32_t child);
/* Of a child that was just forked: these copies. */
struct history_copies {
    uint64_t blocks, bytes;
};
struct history_copies history_copies(struct history *h, uint32_t child);
void history_exit(struct history *h, uint32_t pid);

/* ---- stacks ----
 *
 * Node `id` (from 1, in the thread's own numbering, small) is a frame: `pc`, `slot` the address
 * that holds its return address, `parent` the frame outside it, defined before; 0: the outermost
 * frame; -N: cut there, for reason N. A number may be given again: what was defined with it
 * before, and everything that hangs on that, keeps its meaning. */
void history_node(struct history *h, uint32_t pid, uint32_t tid, uint32_t id, int32_t parent,
                  uint64_t pc, uint64_t slot);
/* The nodes with these addresses, from the outermost inwards, will be told of next: to be quick. */
void history_nodes_soon(struct history *h, uint32_t pid, uint32_t tid, int32_t parent,
                        const uint64_t *pcs, unsigned count);

/* The thread numbers its nodes anew: none that was told before is meant again. Need not be told;
 * where a thread remembers many deep stacks it saves keeping all that hangs on old numbers. */
void history_nodes_anew(struct history *h, uint32_t pid, uint32_t tid);

/* ---- events ----
 *
 * A call of hook `hook`: `sp` points at its return address; `node` is its innermost frame, the
 * function itself, or as a `parent` where there is none, or HISTORY_NO_STACK. */
void history_enter(struct history *h, uint64_t t, uint32_t pid, uint32_t tid, uint32_t hook,
                   uint64_t sp, const uint64_t args[3], int32_t node);

/* Its return: `sp` as at the entry. */
void history_leave(struct history *h, uint64_t t, uint32_t pid, uint32_t tid, uint32_t hook,
                   uint64_t sp, uint64_t result);

/* A call during which its thread did nothing else: as history_enter, history_memptr where `memptr` is
 * not 0, and history_leave, for less. */
struct history_call {
    uint64_t t, end; /* when it began and returned */
    uint32_t pid, tid, hook;
    int32_t node;
    uint64_t sp, args[3], result, memptr;
};
void history_call(struct history *h, const struct history_call *call);
/* Several of one thread, one behind the other, best so many: as each by itself. It pays where there are
 * many blocks or stacks, which no cache holds. */
enum { HISTORY_AT_ONCE = 16 };
int history_is_large(struct history *h, uint32_t pid, uint32_t tid);
void history_calls(struct history *h, const struct history_call *calls, unsigned count);

/* The thread enters a region of the program, and leaves the innermost one that it is in. `name`: the
 * address of its name. Those that a thread is in end with it, and with its program. */
void history_region_begin(struct history *h, uint64_t t, uint32_t pid, uint32_t tid, uint64_t name);
void history_region_end(struct history *h, uint32_t pid, uint32_t tid);
/* Of a child that was just forked: by that thread. */
void history_regions_of(struct history *h, uint32_t pid, uint32_t tid, uint32_t child);

/* What posix_memalign stored: to be told before its return. */
void history_memptr(struct history *h, uint32_t pid, uint32_t tid, uint64_t pointer);

/* A memory syscall; `path`: of the mapped file, `length` bytes, may be none. */
void history_sysenter(struct history *h, uint64_t t, uint32_t pid, uint32_t tid, uint32_t number,
                      uint64_t sp, const uint64_t args[6], int32_t node, const void *path,
                      size_t length);
void history_sysleave(struct history *h, uint64_t t, uint32_t pid, uint32_t tid, uint32_t number,
                      int64_t result);

/* ---- writing ---- */

/* Hand out what there is of the present chunk, so that a killed caller loses nothing older. A
 * chunk costs some hundred bytes: every tenth of a second is often enough. */
void history_flush(struct history *h);

/* Hand out all that is left: the last events, sums, live blocks. Nothing may be told later. */
void history_finish(struct history *h);

/* Events so far. */
uint64_t history_events(const struct history *h);

#endif
