/* history/types.h - what the files of the history know of a run. Callers include history.h. */
#ifndef BRKPOINT_HISTORY_TYPES_H
#define BRKPOINT_HISTORY_TYPES_H

#include "history.h"
#include "columns.h"
#include "table.h"

typedef __int128 wide; /* sums of sizes that may each be 2^64 - 1 */

enum {
    MAX_OPEN = 64,      /* calls of a thread; the oldest is given up then */
    MAX_FRAMES = 4096,  /* of a stack that are looked at */
    SHOWN_FRAMES = 257, /* of a stack that are handed out, as of the breakpoint engine's */
    MAX_THREADS = 1 << 20,
    MAX_PROCESSES = 1 << 16,
    MAX_NODES = 1 << 24, /* numbers of a thread's nodes */
    TIMELINE = 512,      /* points, at most twice as many */
    STAGES = 128,        /* points of the timeline by group, at most twice as many */
    MAX_CHANGES = 1 << 18,
    PHASE_BITS = 8,        /* of what a row of groups says of phase and region */
    MAX_REGIONS = 1 << 16, /* each in its place among the others */
    NEAR = 256,
    REACHED = 16, /* of a thread's calls; more are never open */
};
#define SAME_STACK ((uint64_t)1 << 20)
#define NONE UINT64_MAX /* no event, no address */

/* What an argument of a call is: a bit of `present`, or one of these. */
enum { ARGUMENTS = 3, ARGUMENT_NONE = 0, ARGUMENT_OUT = 1 << 30, ARGUMENT_FLAGS = 1 << 29 };

struct shape {
    uint64_t size, nmemb, align, ptr;
    uint64_t present; /* bits of the column `present` */
};

/* Events that differ only in time, size and address: one verdict holds for all of them. */
struct group_key {
    uint32_t pid, name, within; /* within: the group of the call that they lie in, 0: none */
    int32_t stack;              /* a trace node, 0 or less: no frames */
    uint64_t image;
    uint32_t phase, process;
    uint32_t region; /* of history.regions, from 1; 0: in none */
};

enum { MAKERS = 4 };

/* What tells of all events of a group, not of one of them (history/groups.c). */
struct members {
    uint64_t sized, least, most; /* how many have a size, and within which limits */
    uint64_t nulls;              /* pointers that are none */
    uint64_t known, grew, shrank;
    uint32_t maker[MAKERS]; /* the groups of which their blocks were; MANY_MAKERS: and of others */
};
#define MANY_MAKERS UINT32_MAX

struct group {
    struct group_key key;
    uint32_t stamp;                            /* number of the peak for which `at_peak` holds */
    uint32_t image, image_stamp;               /* its place in `images`, plus 1; as `stamp` there */
    uint64_t first_seq, first_t, first_before; /* before: what its block was made or moved by */
    uint64_t count, failed, unfinished, reached, told;
    uint64_t allocations, live_blocks, temporary_blocks;
    wide bytes, allocated, live, temporary, at_peak, at_image_peak;
    struct members members;
};

/* A program of one process, from its exec or fork to the next exec: its own live bytes and peak. */
struct image {
    uint64_t index, seq, t_ns; /* seq, t_ns, phase: of the event that made the peak */
    wide live, peak;
    uint32_t pid, phase, number; /* number: of its peaks so far */
};

struct block {
    uint64_t address, size, seq, last, number;
    uint64_t counted; /* bytes, as live ones of `group` */
    uint32_t group;   /* of the event that handed it out last; 0: it is not counted as live */
    uint32_t thread : 31, is_copy : 1; /* index + 1 of the one that allocated it; a child's */
};

/* A nested call that handed out memory: its block is known when the outer one returns. */
struct inner {
    uint64_t seq, outer, size;
    uint32_t next;
};

struct call {
    uint64_t seq, t, sp, back, outer, memptr;
    uint64_t number; /* of its block, 0: none */
    struct shape shape;
    uint64_t root; /* the un-nested call that holds it, or itself */
    uint32_t hook, group, root_group;
    uint8_t point, returns_size;
    struct block moving; /* what a realloc works on; number 0: nothing */
};

struct frame_node {
    uint32_t parent; /* index + 1 in the thread's frames, 0: outermost */
    int32_t cut;     /* where there is no parent: 0 or less */
    uint64_t pc, slot;
    uint64_t hash;     /* of the way to it (node_hash) */
    int32_t trace;     /* the node of the trace's tree; 0: too deep, or too many before it */
    int32_t shortened; /* then, where it was asked for: the node that stands for it */
    uint32_t depth, epoch;
    uint32_t hint; /* the group of its last event */
    /* The group of its calls of this hook that lie in no other: as long as history.stamp is this. */
    uint32_t known_group, known_hook, known_stamp;
};

struct thread {
    uint32_t tid, pid, process;
    uint32_t open, room; /* of `calls` */
    struct call *calls;
    uint64_t born; /* when it did something first, for an order among threads; 0: nothing yet */
    uint64_t reached[REACHED]; /* the latest un-nested calls that made a syscall */
    unsigned next_reached;
    uint64_t latest; /* the block of the latest allocation, 0: none, or it only grew */
    uint64_t syscall_seq, syscall_t, syscall_ptr; /* the open one; seq NONE: none */
    uint32_t syscall_number, syscall_group;
    struct frame_node *frames;
    uint32_t frame_count, frame_room, sweep_at;
    uint32_t *ids; /* node number -> index + 1 */
    uint32_t id_count;
    uint32_t *regions; /* those that are open, the innermost last */
    uint32_t region, region_depth, region_room;
    uint64_t regions_beyond; /* so many more were begun */
};

/* A part of the program that it has marked, within another one. */
struct region {
    uint64_t name, image; /* the address of its name, and the program that it is one of */
    uint32_t process, unloads, parent;
};

struct module {
    uint64_t id, start, end;
    uint32_t serial;
    int gone;
};

struct process {
    uint32_t pid;
    int is_gone;
    uint64_t image, brk; /* brk: UNKNOWN where it is not known */
    uint32_t own;        /* its place in `images`, plus 1; 0: it did nothing yet */
    uint32_t groups;     /* how many there were before it: none of these is its own */
    unsigned phase;
    int begun_phase;
    struct module *modules;
    uint32_t module_count, module_room;
    uint32_t epoch;     /* counts loadings at addresses used before */
    uint32_t unloads;   /* counts what a name may lie in no more */
    struct index live;  /* address -> number in `blocks`, from 1 */
    struct table inner; /* address -> index of `inners` */
    struct block *blocks;
    uint32_t block_count, block_room, block_free;
    struct history_copies copies; /* that it began with */
    struct inner *inners;
    uint32_t inner_count, inner_room, inner_free;
};

struct trace_node {
    int32_t parent;
    uint32_t module;
    uint64_t pc;
};

struct hook {
    uint32_t id, name;
    uint8_t point, returns_size;
    uint32_t arguments[ARGUMENTS];
};

struct name {
    int is_syscall;
    char name[24], impl[64];
};

struct point {
    uint64_t seq, t_ns;
    wide live, highest;
};

struct history {
    history_sink *sink;
    void *owner;
    void (*at_work)(void *owner); /* or NULL */
    int failed, has_start;
    uint64_t start, events, block_number, births;
    uint32_t stamp;        /* counts changes of what the groups of events depend on */
    uint64_t unknown_ends; /* frees and moves of blocks that nobody saw allocated */
    struct process *processes;
    uint32_t process_count, process_room, last_process;
    struct thread *threads;
    uint32_t thread_count, thread_room;
    struct thread *last;    /* the thread that was asked for last; NULL where that may be wrong */
    struct table thread_of; /* tid -> index */
    struct hook *hooks;
    uint32_t hook_count, hook_room;
    struct table hook_of;     /* id -> index */
    uint16_t hook_near[NEAR]; /* the same for small ids: index + 1 */
    struct name *names;
    uint32_t name_count, name_room;
    uint32_t serial; /* of modules */
    struct trace_node *nodes;
    uint32_t node_count, node_room, nodes_written;
    struct index node_index;
    struct group *groups;
    uint32_t group_count, group_room, groups_written;
    struct index group_index;
    struct region *regions;
    uint32_t region_count, region_room;
    struct index region_index;
    int has_lost_regions;
    struct image *images;
    uint32_t image_count, image_room;
    struct arguments *arguments;
    struct chunk chunk;
    wide live;
    struct {
        wide bytes;
        uint64_t seq, t_ns;
        unsigned phase;
        uint32_t number;
    } peak;
    struct {
        struct point points[2 * TIMELINE];
        unsigned count;
        uint64_t every;
    } timeline;
    struct {
        struct spool_stage *changes; /* by moment, then by group */
        uint32_t count, room;
        unsigned moments;
        uint64_t every;
        int64_t *known; /* of each group what it held when last looked at */
        uint32_t known_room, changed_room;
        uint64_t *changed; /* a bit for each number of a group: it may hold something else since */
    } stages;
    int keeps_totals;
    uint64_t told;    /* events when sums were handed out last */
    uint64_t flushed; /* events when history_flush was called last */
    unsigned flushes;
    uint64_t unmatched[UNMATCHED];
};

#endif
