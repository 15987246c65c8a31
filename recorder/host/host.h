/* host.h - the recorder outside the target: what its rooms share.
 *
 *   main.c      the whole run: start and end; loop.c what lies between
 *   processes.c the processes of the target, and what they share; lives.c what is told of each
 *   image.c     a program at its first instruction
 *   tracee.c    ptrace and /proc/PID/mem
 *   areas.c     the two areas in the target, and the agent's code in them
 *   attach.c    the same of a running one, its threads stopped (threads.c, standing.c, chains.c,
 *               inject.c)
 *   unplant.c   the code out again
 *               a process of another user is handed the memory file (area/receive.c)
 *   modules.c   files mapped as code (modules/files.c, open: views.c); their unwind tables for the
 *               agent (tables.c)
 *   findings.c  what is found in such a file, kept for the next process, and on disk
 *               (findings/disk.h)
 *   hooks.c     allocator functions (plant/calls.c), marks of regions (plant/regions.c), system calls
 *               and borders get their detours,
 *               worked out before they are written (plans.c), page by page (patches.c)
 *   borders.c   the phases: where they begin (phases/find_main.c), the process there (phases/state.c)
 *   execs.c     threads that are about to exec; whether they gain rights by it (privileges.c)
 *   answers.c   what threads of the target ask
 *   rest.c      the time between two looks at the ring
 *   leaving.c   an end before the target's: brkpoint asks for it, or has died
 *   drain.c     records of all threads out of the ring (ring.c), for the history (records.c,
 *               and in a hurry calls.c)
 */
#ifndef RECORDER_HOST_H
#define RECORDER_HOST_H

#include "must.h"
#include "shared.h"
#include "base/clock.h"
#include "elf/elf.h"
#include "findings/findings.h"
#include "history/history.h"
#include "proc/maps.h"
#include "base/spool.h"
#include "base/stacks.h"
#include "ptrace/tracee.h"
#include "findings/watched.h"
#include "findings/views.h"

#include <signal.h>

#define MAX_HOOKS STUB_COUNT
#define MAX_MODULES 1024
#define MAX_NAMES 8 /* aliases of one function */

enum phase { PHASE_NONE, PHASE_LOAD, PHASE_INIT, PHASE_MAIN, PHASE_EXIT };
enum role { ROLE_LIBRARY, ROLE_EXECUTABLE, ROLE_LOADER, ROLE_VDSO };

/* A file mapped as code, from its loading to its unloading. */
struct module {
    uint32_t id;     /* in the spool */
    unsigned shared; /* how many processes have it, beside the first */
    char *path;
    uint64_t start, end, bias;
    enum role role;
    bool has_elf, read, hooked, seen, init_hooked;
    bool has_own_code; /* other than the file's: it is read from memory */
    struct elf elf;
    struct view *view;      /* whose copy `elf` is; NULL: of memory */
    struct findings *found; /* where it has_elf */
    uint64_t pcs, what;     /* its unwind rows, as offsets in the area */
    uint32_t rows;
};

/* A code area in the target: the agent's code, then stubs. */
struct code_area {
    uint64_t address; /* 0: none */
    uint64_t stubs;   /* address of the first */
    uint64_t end;     /* behind it, and behind the identity pages where it has them */
};
#define MAX_AREAS 3

enum region_mark { REGION_NONE, REGION_BEGIN, REGION_END };

/* What stands behind a number of shared.h's hook_kind. */
struct hook {
    enum hook_kind kind;
    uint64_t address;
    uint32_t module;
    enum region_mark region; /* it is no call: the program marks a region */
    unsigned names;
    const struct watched *as[MAX_NAMES];
    uint32_t spool_id[MAX_NAMES];
    uint64_t patch; /* where the jump was written, over `original`; 0: nowhere */
    uint8_t original[5];
    struct moved *moved; /* what was moved for it, kept for the way back; NULL: nothing was */
    uint64_t hop;        /* 0, or padding that holds the jump, reached by a short one */
};

/* An address that a call returns to, and the name that its call site uses. */
struct call_site {
    uint64_t ret;
    uint32_t hook, name;
};
#define CALL_SITES 4096

#define CHUNKS_KEPT 256

/* How much of the data area there is. */
struct room {
    uint32_t threads, chunks;
    uint64_t tables;
};

/* Processes that share one data area: a program and the children that it forks, until they exec. */
struct family {
    bool used, drained;
    const struct room *room;
    uint64_t place; /* where it begins in the memory file */
    uint32_t hook_count;
    uint32_t met;         /* readers behind that many are unused */
    uint64_t tables_used; /* bytes of the room for unwind tables */
    uint32_t tables_version, asks_seen;
    uint32_t given_back; /* chunks, since it was told to who waits for them */
    unsigned processes;
    uint32_t kept[CHUNKS_KEPT]; /* chunks that are not to be used again yet: ring.c; 0: none */
    unsigned kept_next;
    struct saved *before; /* what looked like addresses of ours when it was attached to */
    struct call_site sites[CALL_SITES];
    /* What stays for the next one in the same slice: */
    struct area_head *area; /* the data area, mapped here */
    struct reader *readers; /* AREA_THREADS of them */
    struct hook hooks[MAX_HOOKS];
};
#define MAX_FAMILIES 256

struct process {
    struct tracee tracee;
    struct family *family;
    int pidfd;
    uint32_t image; /* counts the execs of the run */
    char *executable;
    uint64_t entry, base, hwcap2; /* from the auxiliary vector */
    uint64_t area;                /* address of the data area in it */
    uint64_t tables;              /* the unwind tables in force, as an offset */
    struct module **modules;
    size_t module_count;
    bool is_overfull; /* there are more modules: it was said */
    struct code_area areas[MAX_AREAS];
    enum phase phase;
    uint64_t main, user_main;
    uint32_t main_node;     /* of stacks.h: whom main returns to */
    uint64_t after_main_sp; /* where the stack pointer is when it has returned */
    uint32_t after_main;    /* number of its hook */
    bool watch_stacks;      /* it has none: stacks must tell */
    bool has_begun_image;   /* its phases are its own: it has exec'd */
    struct mapped *mapped;  /* mapped.h; NULL: nothing is known */
    uint32_t forker;        /* the thread that is about to fork, or has just done so */
    struct armed *armed;    /* borders.c: MAX_ARMED of them; NULL: none yet */
    size_t armed_count;
    struct exec_names *exec_names; /* thread_names.c; NULL: none of its threads is about to exec */
    bool exits;                    /* lives.c: it called exit_group, and so cannot come back */
    int exit_status;
    unsigned own[2][2]; /* of the program's own allocator: [frees][is seen], how many functions */
    /* While it is planted: */
    char problem[256];         /* why it cannot be; empty: it can */
    uint64_t searched_before;  /* files, in the run, when it was stopped */
    int64_t offered;           /* its descriptor of the memory file, which it made; 0: none */
    struct plans *deferred;    /* what is planned goes here, to be written later; else NULL */
    struct standing *standing; /* where its threads stand; else NULL */
};

/* A thread that is about to exec, and the process whose memory it has until then. */
struct exec_begun {
    pid_t tid, process;
};
#define MAX_EXECS 256 /* at one moment */

struct host {
    int area_fd; /* the memory file: a slice of AREA_SIZE for each family */
    struct spool spool;
    struct history *history;
    struct views views;
    struct known_files known;
    struct stacks stacks; /* only of borders that are found by them */
    struct clock clock;
    struct process **processes;
    size_t process_count, process_room;
    struct family *families;          /* MAX_FAMILIES of them */
    unsigned family_top;              /* none behind that many was ever used */
    pid_t first;                      /* the process that brkpoint started */
    unsigned names_told;              /* of threads: thread_names.c */
    bool attached;                    /* it ran before us, and will when we have gone */
    volatile sig_atomic_t left_alone; /* it is time to leave */
    volatile sig_atomic_t orphaned;   /* brkpoint has died */
    bool leaving;                     /* nothing new is to be planted */
    bool first_ended;
    struct ledger *ledger; /* unread.h */
    const unsigned char *agent;
    size_t agent_size;
    uint32_t images;
    uint32_t next_module, next_hook;
    uint64_t held_ns, longest_ns; /* how long programs stood still for us, and at once */
    uint64_t searched_standing;   /* files, while one attached to stood still */
    uint64_t started_ns, last_ns, calls, planted, lost, refused, ask_count, hits, misses, waits,
        checked[2], cut;
    uint64_t trouble[TROUBLES], flushed_ns;
    uint64_t chunks_read;     /* since the last rest */
    unsigned idle_us, yields; /* rest.c: how long it slept last, how often it only made way */
    uint32_t stops_seen;
    struct exec_begun execs[MAX_EXECS]; /* of threads that are about to: execs.c */
    unsigned executing;
    bool use_symbols, has_end_state, keeps_totals;
    bool may_refuse;      /* the first program is not started where it cannot be planted */
    uint32_t clock_every; /* events a time stamp */
    struct watched_list watched;
    struct json json, end_state;
};

/* ---- loop.c ---- */
/* Until the first process has ended, or it is time to leave. */
void host_loop(struct host *h);
/* One turn of it: questions answered, records taken out. False: there was nothing to do. */
bool host_turn(struct host *h);

/* ---- main.c ---- */
void say_note(struct host *h, const char *format, ...);
/* A note that weakens every count; `kind` is one word for programs: alloctrace/summary/coverage.py. */
void say_unseen(struct host *h, const char *kind, const char *format, ...);
void say_lost(struct host *h, uint64_t count, const char *reason);
/* A whole program that is not recorded; "": its name is not known. */
void say_unfollowed(struct host *h, const struct process *p, const char *program,
                    const char *reason);
/* What lies there in a family's data area. */
static inline void *host_at(const struct family *f, uint64_t offset)
{
    return (char *)f->area + offset;
}

static inline uint32_t pid_of(const struct process *p)
{
    return (uint32_t)p->tracee.pid;
}

/* ---- processes.c ---- */
struct process *process_by(struct host *h, pid_t pid);
/* The process that brkpoint started, before its exec. */
struct process *process_first(struct host *h, pid_t pid);
/* The child `pid` that `parent` has forked; the one that there is, or a new one. NULL: it is none. */
struct process *process_forked(struct host *h, const struct process *parent, pid_t pid);
/* Whether the agent stands in that memory where `p` has it. */
bool process_has_code(const struct process *p, const struct tracee *memory);
/* `pid` has exec'd; until then it had the memory of `former`. NULL: no memory to follow it. */
struct process *process_executed(struct host *h, pid_t pid, pid_t former);
/* Those that have ended are drained and forgotten. */
void processes_ended(struct host *h);
/* The first has ended: the others run on, and nothing more of them is recorded. */
void processes_let_go(struct host *h);
/* An end of recording before theirs: the code out of all of them, and let them go. */
void processes_leave(struct host *h);

/* ---- areas.c: at the first instruction of a program ---- */
bool areas_make(struct host *h, struct process *p);
/* Of a process that runs: only choose where the code will be; areas_make keeps to it. */
bool areas_choose(struct process *p);
/* The same process stands again: unmap them. `keep`: a bit for each code area of which the page
 * stays that open calls return through. False: it could not be done. */
bool areas_take_away(struct host *h, struct process *p, unsigned keep);
bool areas_hold(const struct code_area *area, uint64_t address);
/* A code area from which `address` can be reached; NULL where there is none. */
struct code_area *area_near(struct process *p, uint64_t address);
/* Address of the identity pages. */
uint64_t area_identity(const struct process *p);
/* Addresses of the agent's entries in that area. */
enum agent_entry { AGENT_ENTRY, AGENT_AFTER, AGENT_ANY, AGENT_BEHIND, AGENT_ENTRIES };
uint64_t agent_address(const struct host *h, const struct code_area *area, enum agent_entry entry);
uint64_t stub_address(const struct code_area *area, uint32_t number);

/* ---- modules.c, tables.c ---- */
/* Look at the mappings again: new files are announced, hooked and unwound, gone ones forgotten. */
void modules_update(struct host *h, struct process *p);
void modules_update_by(struct host *h, struct process *p, const struct maps *maps);
/* The same while p->deferred is set: nothing of the target is touched, it may run. */
void modules_plan(struct host *h, struct process *p);
/* Whether there is no file that modules_plan has not seen. */
bool modules_are_known(struct process *p);
void modules_forget(struct host *h, struct process *p);
struct module *module_around(const struct process *p, uint64_t address);
void tables_add(struct host *h, const struct process *p, struct module *m);
void tables_publish(struct process *p, const struct maps *maps);

/* ---- hooks.c, plant/write.c ---- */
void hooks_plant(struct host *h, struct process *p, struct module *m);
#define NO_HOOK UINT32_MAX
/* Notice that `address` is reached; the number of the hook, or NO_HOOK. */
uint32_t hook_border(struct host *h, struct process *p, uint64_t address, uint64_t border);
/* Put the code back as it was, in this process, unless it is no longer what we wrote; a thread may be in
 * the stub, which goes on leading there. */
void hook_undo(struct process *p, uint32_t number);
/* And the padding that a short jump led to: when nobody can come from there any more. */
void hook_undo_padding(struct process *p, uint32_t number);
/* A stub that notes the border and goes on at `address`; 0 where there is no room. */
uint64_t hook_stub_to(struct host *h, const struct process *p, struct code_area *area,
                      uint64_t address, uint64_t border);
/* Which of its names a call returning to `ret` used: the spool's number of the hook. */
uint32_t hook_id_at(const struct process *p, uint32_t number, uint64_t ret);

/* ---- answers.c, drain.c, records.c ---- */
/* To all threads that share `p`'s data area. */
void answers_give(struct host *h, struct process *p);
/* Everything recorded up to the time stamp `limit` into the spool; false: there was nothing.
 * All of its family's; DRAIN_ALL: the rest of `p` alone, of which nothing more will come. */
#define DRAIN_ALL UINT64_MAX
bool drain(struct host *h, struct process *p, uint64_t limit);
struct thread_state *thread_state(const struct family *f, uint32_t index);
/* The node of stacks.h that a thread's agent means. */
uint32_t node_of(struct host *h, struct reader *r, uint32_t id);
uint64_t event_ns(struct host *h, struct reader *r, uint64_t tsc);

#include "phases/borders.h"

#endif
