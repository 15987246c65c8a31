/* host.h - the recorder outside the target: what its rooms share.
 *
 * Nothing of a process is a static: whoever works on one is handed it. Addresses are the target's where no
 * word says otherwise, times nanoseconds of CLOCK_MONOTONIC (`t_ns`) or time stamps of the processor
 * (`time`), sizes bytes. Who owns what: the host its processes and families; a process its modules,
 * together with those forked from it; a family its hooks and readers. The rooms, and which may include
 * which: docs/recorder.md, "The rooms of the host".
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
    struct view *view;        /* whose copy `elf` is; NULL: of memory */
    struct findings *found;   /* where it has_elf */
    uint64_t pcs, kind, what; /* its unwind rows, as offsets in the area */
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
struct area_size {
    uint32_t threads, chunks;
    uint64_t tables;
    bool memo_grows; /* the first threads may remember more stacks than most programs have */
};

/* Processes that share one data area: a program and the children that it forks, until they exec. */
struct family {
    bool used, drained;
    bool has_others; /* some of them may be told other numbers than we are: who.h */
    const struct area_size *size;
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
    uint32_t told;  /* its number where that is another than here; else 0 */
    uint32_t image; /* counts the execs of the run */
    char *executable;
    uint64_t entry, base, hwcap2;       /* from the auxiliary vector */
    uint64_t area;                      /* address of the data area in it */
    const struct area_size *size;       /* how much of it is mapped there */
    const struct area_size *shrinks_to; /* and soon (room.c); so many pieces are gone already: */
    unsigned has_shrunk;
    uint64_t tables; /* the unwind tables in force, as an offset */
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
    struct armed *armed;    /* phases.c: MAX_ARMED of them; NULL: none yet */
    size_t armed_count;
    struct exec_names *exec_names; /* thread_names.c; NULL: none of its threads is about to exec */
    bool exits;                    /* lives.c: it called exit_group, and so cannot come back */
    int exit_status;
    bool has_exited;   /* or at least its first thread */
    bool is_unplanted; /* its code is as it was: unplant.c */
    bool
        is_unclear; /* how it ends tells nothing: it was over when it was met, or has exec'd unseen */
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
    int area_fd;  /* the memory file: a slice of AREA_SIZE for each family */
    int ready_fd; /* to brkpoint: that we get on, while it waits for our end */
    struct spool spool;
    struct history *history;
    struct views views;
    struct known_files known;
    struct stacks stacks; /* only of phases that are found by them */
    struct clock clock;
    struct process **processes;
    size_t process_count, process_room;
    struct family *families;          /* MAX_FAMILIES of them */
    unsigned family_top;              /* none behind that many was ever used */
    pid_t first;                      /* the process that brkpoint started */
    uint32_t nameless;                /* threads whose number here was not found: who.h */
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
    uint64_t started_ns, last_ns, calls, planted, lost, refused, ask_count, hits, misses, told,
        waits, checked[2], cut;
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

/* What lies there in a family's data area. */
static inline void *host_at(const struct family *f, uint64_t offset)
{
    return (char *)f->area + offset;
}

static inline uint32_t pid_of(const struct process *p)
{
    return (uint32_t)p->tracee.pid;
}

/* The number that the process itself is told. */
static inline uint32_t own_pid_of(const struct process *p)
{
    return p->told ? p->told : pid_of(p);
}

#endif
