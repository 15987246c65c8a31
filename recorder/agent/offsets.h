/* offsets.h - where quick.S finds things: numbers of ../shared.h and frames.h, which the assembler
 * cannot read. event.c proves each of them.
 */
#ifndef BRKPOINT_AGENT_OFFSETS_H
#define BRKPOINT_AGENT_OFFSETS_H

/* struct code_head */
#define CODE_AREA 0
#define CODE_IDENTITY 8
#define CODE_STUBS 16

/* struct area_head */
#define AREA_RECORDING 8
#define AREA_CLOCK 24
#define AREA_FSGSBASE 28
#define AREA_HOOK_KIND 864

/* struct identity, and its entries */
#define IDENTITY_PID 4
#define IDENTITY_ENTRY 2064
#define ENTRY_FS (IDENTITY_ENTRY + 0)
#define ENTRY_STATE (IDENTITY_ENTRY + 8)
#define ENTRY_SHIFT 4    /* 16 bytes each */
#define ENTRY_LAST 0x3ff /* their number, less one */

/* struct thread_state */
#define THREAD_PID 4
#define THREAD_CUR 16
#define THREAD_STACK_LOW 32
#define THREAD_STACK_HIGH 40
#define THREAD_HITS 48
#define THREAD_MEMO_BUSY 80
#define THREAD_CLOCK_LEFT 100
#define THREAD_BUCKETS 448
#define BUCKET_LAST 0xfff
#define THREAD_WORDS 16832
#define WORD_SHIFT 4
#define WORD_SLOT (THREAD_WORDS + 0)
#define WORD_PC (THREAD_WORDS + 8)
#define THREAD_NODES 176832
#define NODE_TOP (THREAD_NODES + 0)
#define NODE_BP_IN (THREAD_NODES + 8)
#define NODE_LEFT (THREAD_NODES + 16)
#define NODE_PARENT (THREAD_NODES + 20)
#define NODE_NEXT (THREAD_NODES + 24)
#define NEXT_MASK 0xffff
#define RUN_COUNTED 0x400000 /* in the bits above a node: 512 runs make it negative */

/* A RECORD_CALL in a chunk */
#define CALL_KIND 1
#define CALL_SIZE 32
#define CALL_BEGUN 0x2007 /* RECORD_BEGUN, and its size */
#define CALL_TIME 8
#define CALL_ARGUMENT 16
#define CALL_RESULT 24
#define CALL_DONE 0x1000000
#define FIRST_IN_CHUNK 32
#define LAST_IN_CHUNK (16384 - CALL_SIZE)
#define CHUNK_SHIFT 14
/* Chunk 1 begins here: `cur` counts from 1. */
#define CHUNK_ZERO 1073856512

/* hook_kind */
#define KIND_CALL1 1
#define KIND_FREES_BIT 8

/* STUB_SIZE as a shift, STUB_MOVED */
#define STUB_SHIFT 9
#define MOVED_IN_STUB 32

/* The flags in the low bits of the word `slot` of a wrapped call; a record is aligned to 32 bytes. */
#define SLOT_TAIL 1     /* jumped to from inside another wrapped call: its return is that one's */
#define SLOT_MEMPTR 2   /* posix_memalign */
#define SLOT_WIDE 4     /* a RECORD_CALL3 */
#define SLOT_LATE 8     /* its time stamp is that of its end: CLOCK_ORDER */
#define SLOT_WRITTEN 16 /* the result has been written, but other records may have come before it */
#define SLOT_FLAGS 31

#endif
