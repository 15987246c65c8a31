/* unwind_format.h - the unwind tables that the host writes and the agent reads.
 *
 * They lie in one area that both have mapped, at different addresses: everything in it is named
 * by its distance from the area's start. A struct unwind_tables is never changed once the agent
 * can see it; when code was mapped or unmapped the host writes a new version, whose modules may
 * share rows with the last one, and publishes that.
 *
 * A row says, for the code from its pc up to the next row's, how the caller's registers are found
 * (DWARF 5, section 6.4.1, without the registers that nobody needs for it). Rows of one module
 * are two arrays side by side, pcs for the search and the number of what is done there, one of the
 * module's list of some hundreds to thousands: 6 bytes a row.
 */
#ifndef BRKPOINT_UNWIND_FORMAT_H
#define BRKPOINT_UNWIND_FORMAT_H

#include <stdint.h>

/* How a row finds the CFA, the caller's stack pointer. The return address lies just below it. */
enum unwind_kind {
    UNWIND_NO_TABLE, /* nothing is known about this code */
    UNWIND_LOST,     /* an unwind table says something that a row cannot */
    UNWIND_END,      /* nobody called: the return address is undefined */
    UNWIND_SP,       /* rsp + cfa */
    UNWIND_BP,       /* rbp + cfa */
    UNWIND_BX,       /* rbx + cfa: ld.so's _dl_runtime_resolve_* */
    UNWIND_AT_BP,    /* the word at rbp + cfa: gcc's realigned frames; bp, bx count from rbp */
    UNWIND_AT_SP,    /* the word at rsp + cfa, plus 8: OpenSSL's assembler */
    UNWIND_PLT,      /* rsp + cfa, plus 8 from byte `bp` of each 16 on: stubs of the PLT */
    UNWIND_SIGNAL,   /* a struct ucontext lies at rsp: the kernel's, arch/x86/kernel/signal */
};

/* `what` of a row: kind in bits 0 to 3, marks in 4 to 8, cfa in 9 to 31, bp in 32 to 47, bx in 48
 * to 63. cfa, bp and bx are signed and in words of 8 bytes. */
#define UNWIND_KIND(what) ((unsigned)((what)&15))
#define UNWIND_CFA(what) ((int64_t)((int32_t)(uint32_t)(what) >> 9) * 8)
#define UNWIND_SAVED_BP(what) ((int64_t)(int16_t)((what) >> 32))
#define UNWIND_SAVED_BX(what) ((int64_t)(int16_t)((what) >> 48))

/* Of bp and bx: where the caller's rbp and rbx are saved, counted from the CFA. */
#define UNWIND_SAME 0            /* still in the register: the word at the CFA is never it */
#define UNWIND_GONE (-32768)     /* somewhere that a row cannot say */
#define UNWIND_WORDS_MAX 32767   /* of bp and bx */
#define UNWIND_CFA_MAX (1 << 22) /* words: 32 MiB; beyond it a row is UNWIND_LOST */

/* Marks of a row in the tables. */
#define UNWIND_FIRST (1u << 4)     /* at its pc a function of an unwind table begins */
#define UNWIND_SYNTHETIC (1u << 5) /* not from the table that the program runs with, but from */
                                   /* the function's instructions, or from .debug_frame */
#define UNWIND_GUESSED (1u << 6)   /* so, and a debugger's own guess would be another */
/* Marks that the agent adds when it remembers the row of a return address. */
#define UNWIND_CALLED (1u << 7)   /* a call instruction ends at it */
#define UNWIND_RESTORER (1u << 8) /* it is the start of a signal's restorer */
/* UNWIND_FIRST then says that the return address itself is where a function begins. */

/* Executable bytes of one file, [start, end) in the target. All of them can be read. */
struct unwind_module {
    uint64_t start, end;
    uint64_t base;   /* what the rows' pcs count from: load bias + struct unwind_rows' base */
    uint64_t pcs;    /* in the area: uint32_t[rows], sorted */
    uint64_t kind;   /* in the area: uint16_t[rows], which of `what` each row says */
    uint64_t what;   /* in the area: uint64_t[], the different ones */
    uint32_t rows;   /* 0: code without a table, for instance made at run time */
    uint32_t module; /* a number for the host's own use */
};

/* One version. `modules` are sorted by start and do not overlap. */
struct unwind_tables {
    uint64_t self;    /* this struct's own distance from the area's start */
    uint32_t version; /* never used twice by those who share a cache of rows */
    uint32_t count;
    struct unwind_module modules[];
};

#endif
