/* shared.h - the data area: what agent (inside the target) and host (outside) both see.
 *
 * One memory file, mapped shared by both: head, thread states, chunks, unwind tables. Offsets
 * count from its first byte, since the two map it at different addresses. The agent writes events
 * into chunks; the host takes them out and gives the chunk back. Nothing here is
 * trusted by the host: every index and offset is checked before use (drain.c).
 *
 * Numbers are little-endian words of x86-64. Only aligned 4- and 8-byte words are shared, so that
 * each is read and written whole.
 */
#ifndef BRKPOINT_RECORDER_SHARED_H
#define BRKPOINT_RECORDER_SHARED_H

#include <stdint.h>

#define AREA_MAGIC UINT64_C(0x314b505244524352)
#define AREA_THREADS 12288u /* thread states: threads that are alive at one moment */
#define AREA_OPEN 2048u /* of these, mapped from the start; a thread opens the others for itself */
#define AREA_CHUNKS 16384u
/* How many of them are used, beside one for each thread that there was at one moment: */
#define AREA_BEHIND 4096u /* 64 MiB at most wait for the host */
#define AREA_FIRST 256u   /* as long as the host keeps up: they stay in caches */
#define CHUNK_SIZE 16384u
#define CHUNK_HEAD 32u
#define THREAD_SIZE (512u << 10) /* from one thread's state to the next */
#define MEMO_BUCKETS 4096u
/* Of stacks a thread remembers so many nodes, and the first ones of a program more: one of them is that
 * of compilers and interpreters, whose stacks are many. Their memory grows in three steps: nodes of
 * these numbers there are, and those between them would lie where others do (below). */
#define MEMO_FEW 9000u
#define MEMO_THREADS 4u
#define MEMO_FIRST 40000u
#define MEMO_SECOND 127000u
#define MEMO_SECOND_END 300000u
#define MEMO_THIRD 647000u
#define MEMO_THIRD_END 734000u
#define MEMO_NODES (MEMO_FIRST + (MEMO_SECOND_END - MEMO_SECOND) + (MEMO_THIRD_END - MEMO_THIRD))
#define PATHS_FEW 16384u
#define PATHS_MANY 524288u
#define TABLES_SIZE (UINT64_C(256) << 20)
#define SLOT 32u /* every record in a chunk is a multiple of this */

/* ---- records in a chunk -------------------------------------------------------------------
 * The first word is written last: until then it is RECORD_BEGUN, for one instruction 0.
 *   bits 0-7 kind, 8-23 number of the hook or site, 24-27 flags, 32-63 stack node
 */
enum record_kind {
    RECORD_NONE,
    RECORD_CALL,
    RECORD_CALL3, /* with room for three arguments, and for both times */
    RECORD_LEAVE, /* the return of a call that could not be written into its own record */
    RECORD_NODE,  /* a return address of a stack: the word has the node's id */
    RECORD_SYSCALL,
    RECORD_BEGUN, /* its place is taken, it is being written; size in bits 8-23 */
    RECORD_PATH   /* of the file that the thread's next mmap maps: the word has the length; 0: the
                   * host is asked */
};
#define PATH_RECORD 288u
#define RECORD_DONE (1u << 24)  /* CALL: the result is there, no LEAVE will come */
#define RECORD_MAYBE (1u << 25) /* LEAVE: the result may have been written in place as well */

/* Times are stamps of the agent's clock, 0: none. */
union record {
    uint64_t word;
    struct {
        uint64_t word, time;
    } event; /* what all but nodes and paths begin with */
    struct {
        uint64_t word, time, argument, result;
    } call; /* with CLOCK_ORDER its `time` becomes that of its end */
    struct {
        uint64_t word, time, arguments[3], result, memptr, end;
    } call3;
    struct {
        uint64_t word, time, sp, result, memptr, unused[3];
    } leave;
    struct {
        uint64_t word, parent, pc, slot; /* parent: a node's id, or NODE_CUT and why */
    } node;
    struct {
        uint64_t word, time, arguments[6], result, sp, pc, end;
    } syscall;
    struct {
        uint64_t word;
        char path[PATH_RECORD - 8];
    } path;
};
#define RECORD_SIZE(kind) sizeof(((union record *)0)->kind)

/* Node ids: up to MEMO_THIRD_END they are remembered; from NODE_ONCE on they are used for one event. With
 * NODE_CUT set it is no node: the stack is cut there, for the reason in the low bits. */
#define NODE_ONCE 0x40000000u
#define NODE_ONCE_RING 1024u
#define NODE_CUT 0x80000000u
/* Of a chain that is remembered: a cut that rests on the unwind tables holds only as long as they are
 * in force, and has their version above its reason. The host is told the reason alone. */
#define CUT_TOLD(cut) ((cut) & (NODE_CUT | 0xffu))
#define CUT_VERSION(cut) (((cut) & ~NODE_CUT) >> 8)
#define CUT_VERSION_MAX 0x7fffffu
#define MAX_FRAMES 256

struct chunk {
    uint32_t owner; /* index of the thread state, plus 1 */
    uint32_t next;  /* index of the chunk that follows, plus 1; 0: none yet */
    uint32_t end;   /* offset behind the last record, once `next` is set */
    uint32_t unused;
    uint64_t
        before; /* where the thread stood (`cur`) when it went on to this chunk; 0: the first */
    uint64_t free;
    unsigned char records[CHUNK_SIZE - CHUNK_HEAD];
};

/* ---- asking the host ------------------------------------------------------------------------
 * The thread writes its question, and waits until the host has answered or is gone: for a moment
 * spinning, then asleep (a futex: `state`), unless that may be forbidden.
 */
enum ask_kind {
    ASK_NOTHING,
    ASK_STACK, /* a: sp, pc -> answer: lowest and highest address of its stack; with a pc only where
                  * the function at it may have come from another one */
    ASK_MAPPED,  /* a: address, length, fd, prot: a file was mapped, and its path is not known */
    ASK_LIBS,    /* the loader's list of libraries has changed */
    ASK_PHASE,   /* a: enum phase_at and module, number of the hook, sp, stack node */
    ASK_EXEC,    /* a: system call, thread, its first two arguments: be there at the first
                  * instruction of the new program */
    ASK_NO_EXEC, /* a: thread: it failed */
    ASK_EXIT,    /* a: status, whole process */
    ASK_FORK,    /* a: number of the system call, flags: a child begins */
    ASK_FORKED,  /* a: the child's number: it has begun */
    ASK_START,   /* a: main, as handed to the C library -> answer: what to hand on */
    ASK_LIMIT /* a: a struct rlimit, of address space, the thread if it has forgotten its stacks ->
                  * answer: what is to be unmapped before (at, size): to be asked until it is 0 */
};
enum phase_at { AT_INIT = 1, AT_MAIN, AT_AFTER_MAIN, AT_EXIT };
enum ask_state { ASK_IDLE, ASK_WRITING, ASK_WAITING, ASK_ASLEEP, ASK_ANSWERED };

struct ask {
    uint32_t state, kind;
    uint64_t a[4];
    uint64_t time;
    uint64_t answer[2];
};

/* ---- a thread of the target ---------------------------------------------------------------- */
/* Remembered stacks (agent/memo.c). A node is a word and what is known of it. Nodes that one walk
 * made stand one behind the other, from the inside outwards: a run, whose words are compared in one
 * go. */
struct memo_word {
    uint64_t slot, pc; /* memory at `slot` holds `pc`, a return address */
};
struct memo_node {
    uint64_t top;    /* the highest address that its chain reads */
    uint64_t bp_in;  /* rbp in this frame; matters where MEMO_USES_BP is set */
    uint32_t left;   /* nodes behind it in the run */
    uint32_t parent; /* of the run's last: the frame outside; 0: none */
    uint32_t next;   /* in the bucket, plus the flags below */
    uint32_t path;   /* a hash of the way to it from outside; 0: no chain is known by it */
};
#define MEMO_USES_BP (1u << 31)
#define MEMO_CHECK (1u << 30)    /* no frame: memory at `slot` must hold `pc`, that is all */
#define MEMO_SAVED_BP (1u << 29) /* a check of where the frame before it saved rbp */
#define MEMO_UNSTEADY (1u << 28) /* the frames up to it rest on more than their words */
#define MEMO_WITHIN (1u << 27)   /* a frame that a guess led to: no chain is known by it */
#define MEMO_NEXT 0xfffffu
/* In a bucket: the chain that is compared first, how many there are, at most MEMO_LONGEST, and whether
 * there were once more: to go through so many takes longer than to unwind. The more nodes there are,
 * the more of them in a bucket are of other places: from the second step on MEMO_LONG. */
#define MEMO_LENGTH (MEMO_NEXT + 1)
#define MEMO_LONGEST 64u
#define MEMO_LONG 16u
#define MEMO_SHORT 4u
#define MEMO_MANY (1u << 31)

#define THREAD_NAME 16u /* bytes of a thread's name: linux/sched.h, TASK_COMM_LEN */

/* A system call that the thread is in. */
struct site_begun {
    uint64_t sp, time;
    uint32_t number;
};
#define SITES_BEGUN 8

/* The memory of a stack, there as long as `unmaps` of the area is what it was. */
struct stack_seen {
    uint64_t low, high, unmaps;
};
#define STACKS_SEEN 16

/* In `memo_busy`: a handler that interrupted that call made a child, which may go on there as well. */
#define MEMO_FORKED 1u

enum thread_use { THREAD_FREE, THREAD_LIVE, THREAD_GONE };

#define THREAD_SPAN 2u         /* a state ends in the second piece of THREAD_SIZE from its own on */
#define THREADS_SKIPPED 46u    /* more pieces are those of each of the first ones */
#define THREADS_SKIPPED_FEW 3u /* so many of the very first one, where memory may not grow */

struct thread_state {
    uint32_t use;                   /* enum thread_use */
    uint32_t pid, tid;              /* as the kernel numbers them */
    char name[THREAD_NAME];         /* when it ended; "": not known */
    uint32_t number;                /* index of this state, plus 1 */
    uint32_t was_used;              /* by the host: `buckets` are another thread's */
    uint32_t first_chunk;           /* plus 1 */
    uint64_t cur;                   /* where the next record goes: chunk index + 1 << 32 | offset */
    uint64_t fs;                    /* thread pointer: what the thread is known by */
    uint64_t stack_low, stack_high; /* the memory that its stack may be read in */
    uint64_t hits, misses, waits, once;
    uint64_t memo_busy; /* slot of the call that uses the remembered stacks; 0: none does */
    uint32_t memo_count, once_count;
    uint32_t paths; /* places in the table of nodes by their path; 0: there is none yet */
    uint32_t
        site_count; /* system calls begun, and not over: the handlers of signals may be inside */
    uint32_t lends; /* it waits for a child that has its memory: what runs is that child */
    uint32_t clock_left; /* events without a time stamp before the next that has one */
    struct stack_seen stacks[STACKS_SEEN]; /* those that the host told of last */
    uint64_t stacks_told, switch_pc; /* how many; where a function stands that changes stacks */
    uint64_t unwinding[8];           /* a frame (agent/unwind.h), to keep the target's stack free */
    struct site_begun sites[SITES_BEGUN];
    struct ask ask;
    uint64_t read_to; /* by the host, for who counts what it left unread: host/drain/unread.h */
    uint32_t buckets[MEMO_BUCKETS];
};
/* Behind it are the words, then the nodes, of the same numbers; and in the gap between the two the
 * table of paths, until it is too large for it. States lie in one another: where words and table of one
 * end that has MEMO_FEW, and `nodes` of another one stand, a multiple of THREAD_SIZE further, nothing is
 * but one of the first ones'. So it is with the steps of those: a node takes twice as much as its word, so
 * behind the nodes of one step come the words of the next. */
#define WORDS_AT sizeof(struct thread_state)
#define NODES_AT (THREAD_SPAN * (uint64_t)THREAD_SIZE - sizeof(struct memo_node) * MEMO_FEW)
#define WORD_OF(node) (WORDS_AT + sizeof(struct memo_word) * (uint64_t)(node))
#define NODE_OF(node) (NODES_AT + sizeof(struct memo_node) * (uint64_t)(node))
#define PATHS_MANY_AT WORD_OF(MEMO_THIRD_END)
_Static_assert(WORDS_AT % sizeof(uint64_t) == 0, "words are aligned");
_Static_assert(WORD_OF(MEMO_FEW) + 4 * PATHS_FEW <= NODES_AT % THREAD_SIZE, "another one's nodes");
_Static_assert(WORD_OF(MEMO_FIRST) + 4 * PATHS_FEW <= NODES_AT, "the table is in the gap");
_Static_assert(NODE_OF(MEMO_FIRST) <= WORD_OF(MEMO_SECOND) &&
                   WORD_OF(MEMO_SECOND_END) <= NODE_OF(MEMO_SECOND) &&
                   NODE_OF(MEMO_SECOND_END) <= WORD_OF(MEMO_THIRD) &&
                   PATHS_MANY_AT + 4 * PATHS_MANY <= NODE_OF(MEMO_THIRD),
               "one behind the other");
_Static_assert(MEMO_THIRD_END <= MEMO_NEXT, "a link has room for a number");
_Static_assert(NODE_OF(MEMO_FIRST) <= (1 + THREADS_SKIPPED_FEW) * (uint64_t)THREAD_SIZE,
               "its room");
_Static_assert(NODE_OF(MEMO_THIRD_END) <= (1 + THREADS_SKIPPED) * (uint64_t)THREAD_SIZE,
               "its room");
_Static_assert(sizeof(struct chunk) == CHUNK_SIZE, "a chunk has its size");

enum trouble { TROUBLE_NO_THREAD, TROUBLE_NO_CHUNK, TROUBLES };

/* The stamps that order the events of all threads: a free where it begins, for its address may be
 * handed out before it returns; malloc where it ends, for so its address may have come to it; what is
 * both, and system calls, at both. */
#define CLOCK_ORDER 0x80000000u

/* In `host`: it has let go, or has died, by whatever means: then the kernel writes this (linux/futex.h,
 * FUTEX_OWNER_DIED of a robust futex). */
#define HOST_GONE 0x40000000u

/* The thread pointer is the base of %fs. Where the processor lets programs read that (rdfsbase), so it
 * is read. Else the kernel is asked, which costs more than all the rest, until the C library has set
 * it: then the word that it points to is the pointer itself (x86-64 psABI, TLS variant II). Where that
 * is not so, no thread has such a pointer, and the kernel is asked again. */
enum {
    THREAD_BY_ASKING,
    THREAD_BY_FSBASE,
    THREAD_BY_WORD,
    THREAD_BY_ASKING_ALWAYS,
    THREAD_BY_NUMBER /* several threads have one pointer, as under valgrind: each asks for its number */
};
/* What a thread is known by then: no pointer has the highest bit. */
#define THREAD_NUMBERED(tid) (UINT64_C(1) << 63 | (uint64_t)(tid) << 6)

struct area_head {
    uint64_t magic;
    uint32_t recording;    /* 0: the detours only pass through */
    uint32_t host;         /* the host's thread number; HOST_GONE: nobody reads any more */
    uint32_t host_sleeps;  /* until `asks` changes: a futex */
    uint32_t thread_limit; /* so many thread states there are: a multiple of 32 */
    uint32_t clock; /* 0: no time stamps (rdtsc is forbidden), N: one in N events, 1: all, at begin
                     * and end; CLOCK_ORDER, as soon as there is a second thread: what it needs */
    uint32_t thread_by;   /* THREAD_BY_…: how a thread's pointer is read */
    uint32_t asks;        /* how often the host was asked: it polls this */
    uint32_t threads_top; /* no state from here on was ever in use */
    uint32_t released;    /* counts when the host has given chunks back: a futex */
    uint32_t hungry;      /* how many threads sleep until it does */
    uint32_t unlisted;    /* code was mapped since the loader last told of its libraries */
    uint32_t memo_grows;  /* 0: but for the first step of the first thread there is none */
    uint64_t trouble[TROUBLES];
    uint64_t names_asked;                /* threads that had the host look at their names */
    uint64_t waits;                      /* how often a thread found no free chunk */
    uint64_t unmaps;                     /* how often memory may have gone: munmap and its like */
    uint64_t checked[2];                 /* agent/check.c: stacks that were wrong, and right */
    uint64_t host_list;                  /* host/run/leaving.c: for the kernel */
    uint64_t may_sleep;                  /* 0: seccomp may forbid it, a thread waits spinning;
                                             * nor does it look up the paths of files */
    uint32_t threads[AREA_THREADS / 32]; /* bit set: the state is in use */
    uint32_t asking[AREA_THREADS / 32];  /* bit set: this thread has asked the host something */
    uint32_t free_chunks[AREA_CHUNKS / 32]; /* bit set: the chunk is free */
    uint64_t hook_kind[4096];               /* what each hook and site is: enum hook_kind */
};

/* A struct unwind_cache (agent/unwind.h) that all threads share. */
#define AREA_CACHE_AT (UINT64_C(64) << 10)
#define AREA_CHUNKS_AT (UINT64_C(128) << 10)
#define AREA_TABLES_AT (AREA_CHUNKS_AT + (uint64_t)AREA_CHUNKS * CHUNK_SIZE)
#define AREA_THREADS_AT (AREA_TABLES_AT + TABLES_SIZE)
#define THREAD_AT(index)                                                                           \
    (AREA_THREADS_AT +                                                                             \
     ((index) + ((index) < MEMO_THREADS ? (index) : MEMO_THREADS) * THREADS_SKIPPED) *             \
         (uint64_t)THREAD_SIZE)
#define THREADS_SIZE(count) (THREAD_AT((count) + THREAD_SPAN - 1) - AREA_THREADS_AT)
#define AREA_SIZE (AREA_THREADS_AT + THREADS_SIZE(AREA_THREADS))
_Static_assert(sizeof(struct area_head) <= AREA_CACHE_AT, "the head has its room");

/* ---- what a hook is: low byte of hook_kind ------------------------------------------------- */
enum hook_kind {
    HOOK_CALL1 = 1,   /* an allocator function of one argument: malloc, free, valloc, pvalloc */
    HOOK_CALL3,       /* one with two or three */
    HOOK_MEMPTR,      /* posix_memalign: the pointer is behind its first argument */
    HOOK_LIBS,        /* _dl_debug_state */
    HOOK_START,       /* __libc_start_main: its first argument is main */
    HOOK_PHASE,       /* where a phase begins; which: enum phase_at, is in bits 8-15 */
    HOOK_LAST_MUNMAP, /* the same, where munmap may take away the stack that it stands on */
    HOOK_CLONE,       /* clone, clone3 or fork; from bit 8 on which it is */
    HOOK_SYSCALL,     /* a syscall instruction; from bit 8 on the address behind it */
    HOOK_RELOCATED,   /* the same, of the loader where it has relocated a library (mprotect) */
    HOOK_FDE          /* _Unwind_Find_FDE, of the program's own unwinder */
};

/* Of a HOOK_CALL1: free; no call but a mark of a region, for who counts calls (host/drain/unread.h). */
#define HOOK_FREES (1u << 8)
#define HOOK_MARKS (1u << 9)
/* Of a HOOK_CALL3 or HOOK_MEMPTR whose arguments are not the first ones: which of the six registers
 * that arguments come in is told as number 0, 1, 2. */
#define HOOK_PICKS (1u << 20)
#define HOOK_PICK_BIT(which) (9 + 3 * (which))
#define HOOK_PICK(kind, which) ((kind) >> HOOK_PICK_BIT(which) & 7)
#define HOOK_CLONE_NUMBER(kind) ((kind) >> 8)

/* ---- the code area ------------------------------------------------------------------------
 * The agent's code, then stubs of STUB_SIZE bytes, one a hook. The host writes it; it is
 * read-execute for the target. The words at its start tell the agent where everything is.
 */
struct code_head {
    uint64_t area;       /* address of the data area in the target */
    uint64_t identity;   /* address of the identity page: private, wiped by fork */
    uint64_t stubs;      /* address of stub 0 */
    uint64_t after[4];   /* every address behind a wrapper's call, of all code areas; 0: none */
    uint32_t entries[4]; /* offsets of agent_entry, agent_after, agent_any, agent_behind */
    uint64_t end;        /* offset behind its instructions: tables follow */
};

#define AGENT_ROOM (UINT64_C(64) << 10) /* for the agent; behind it the stubs */
#define STUB_COUNT 4096u
#define STUB_SIZE 512u
#define STUB_TAIL 352u /* offset, in a stub, of code that is run in its place */
#define STUB_MOVED 32u /* offset of the moved instructions in a function's stub */
#define STUB_ORIGIN 448u

/* At STUB_ORIGIN: which instructions the code in the stub stands for. What is at to[i], counted from
 * the stub's start, and up to to[i + 1], is what was at from[i], counted from `patch`. */
#define ORIGIN_STEPS 18
struct stub_origin {
    uint64_t patch;
    uint16_t to[ORIGIN_STEPS];
    uint8_t from[ORIGIN_STEPS];
    uint8_t count;
};
_Static_assert(sizeof(struct stub_origin) <= STUB_SIZE - STUB_ORIGIN, "it has its room");

/* What a wrapped call has on the stack between its return address and the caller's. */
#define WRAP_WORDS 5
#define WRAP_SKIP ((WRAP_WORDS + 1) * 8) /* from the slot of the one to the slot of the other */

struct identity_entry {
    _Alignas(16) uint64_t fs; /* both are written at once */
    uint64_t state;           /* address of the thread_state in the target; 0: none */
};
#define IDENTITY_ENTRIES 32768u
#define IDENTITY_SIZE (146u << 12)
/* A thread that is being made: its thread pointer, and where the kernel writes its number. */
struct newcomer {
    uint64_t fs, tid_at;
};
#define NEWCOMERS 4096u
#define LENT 1u        /* while its parent waits (posix_spawn), which is known of its thread */
#define LENT_UNTOLD 2u /* only the number of the process tells which of the two runs */
struct identity {
    uint32_t ready; /* 0 after a fork: the kernel has wiped the pages */
    uint32_t pid;
    uint64_t tables;    /* offset of the unwind tables in force, by the host; 0: none */
    uint64_t displaced; /* entries that had to go for others: who is not found may be known */
    uint64_t lent;      /* once a child shared this memory without being a thread: LENT_… */
    uint64_t is_named;  /* 1: the first thread is known by its pointer, too (under a filter) */
    struct newcomer newcomers[NEWCOMERS];
    struct identity_entry entries[IDENTITY_ENTRIES];
};
_Static_assert(sizeof(struct identity) <= IDENTITY_SIZE, "its pages");

#endif
