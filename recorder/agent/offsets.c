/* offsets.c - numbers of C for the assembler: what quick.S knows of ../shared.h and frames.h.
 *
 * It is compiled, never linked: build.mk makes offsets.h of the lines that it puts into the assembly.
 */
#include "event.h"
#include "frames.h"

#define NUMBER(name, value) __asm__ volatile("\n->" #name " %c0" : : "i"((long)(value)))
#define OFFSET(name, type, member) NUMBER(name, __builtin_offsetof(struct type, member))
#define LOG2(value) __builtin_ctzl(value)

void numbers(void);
void numbers(void)
{
    OFFSET(CODE_AREA, code_head, area);
    OFFSET(CODE_IDENTITY, code_head, identity);
    OFFSET(CODE_STUBS, code_head, stubs);
    NUMBER(STUB_SHIFT, LOG2(STUB_SIZE));
    NUMBER(MOVED_IN_STUB, STUB_MOVED);

    OFFSET(AREA_RECORDING, area_head, recording);
    OFFSET(AREA_CLOCK, area_head, clock);
    OFFSET(AREA_THREAD_BY, area_head, thread_by);
    NUMBER(BY_FSBASE, THREAD_BY_FSBASE);
    NUMBER(BY_WORD, THREAD_BY_WORD);
    OFFSET(AREA_HOOK_KIND, area_head, hook_kind);
    NUMBER(KIND_CALL1, HOOK_CALL1);
    NUMBER(KIND_FREES_BIT, LOG2(HOOK_FREES));

    OFFSET(IDENTITY_PID, identity, pid);
    OFFSET(IDENTITY_TABLES, identity, tables);
    OFFSET(TABLES_VERSION, unwind_tables, version);
    OFFSET(ENTRY_FS, identity, entries[0].fs);
    OFFSET(ENTRY_STATE, identity, entries[0].state);
    NUMBER(ENTRY_SHIFT, LOG2(sizeof(struct identity_entry)));
    NUMBER(HOME_FACTOR, HOME_FACTOR);
    NUMBER(HOME_SHIFT, HOME_SHIFT);

    OFFSET(THREAD_PID, thread_state, pid);
    OFFSET(THREAD_CUR, thread_state, cur);
    OFFSET(THREAD_STACK_LOW, thread_state, stack_low);
    OFFSET(THREAD_STACK_HIGH, thread_state, stack_high);
    OFFSET(THREAD_HITS, thread_state, hits);
    OFFSET(THREAD_MEMO_BUSY, thread_state, memo_busy);
    OFFSET(THREAD_CLOCK_LEFT, thread_state, clock_left);
    OFFSET(THREAD_BUCKETS, thread_state, buckets);
    NUMBER(BUCKET_LAST, MEMO_BUCKETS - 1);
    NUMBER(WORD_SLOT, WORDS_AT + __builtin_offsetof(struct memo_word, slot));
    NUMBER(WORD_PC, WORDS_AT + __builtin_offsetof(struct memo_word, pc));
    NUMBER(WORD_SHIFT, LOG2(sizeof(struct memo_word)));
    NUMBER(NODE_TOP, NODES_AT + __builtin_offsetof(struct memo_node, top));
    NUMBER(NODE_BP_IN, NODES_AT + __builtin_offsetof(struct memo_node, bp_in));
    NUMBER(NODE_LEFT, NODES_AT + __builtin_offsetof(struct memo_node, left));
    NUMBER(NODE_PARENT, NODES_AT + __builtin_offsetof(struct memo_node, parent));
    NUMBER(NODE_NEXT, NODES_AT + __builtin_offsetof(struct memo_node, next));
    NUMBER(NEXT_MASK, MEMO_NEXT);
    NUMBER(RUN_COUNTED, (1u << 31) / (2 * MAX_FRAMES)); /* above a node: so many make it negative */

    NUMBER(CALL_KIND, RECORD_CALL);
    NUMBER(CALL_SIZE, RECORD_SIZE(call));
    NUMBER(CALL_BEGUN, RECORD_BEGUN | SLOT << 8);
    NUMBER(CALL_DONE, RECORD_DONE);
    NUMBER(CALL_TIME, __builtin_offsetof(union record, call.time));
    NUMBER(CALL_ARGUMENT, __builtin_offsetof(union record, call.argument));
    NUMBER(CALL_RESULT, __builtin_offsetof(union record, call.result));
    NUMBER(FIRST_IN_CHUNK, CHUNK_HEAD);
    NUMBER(LAST_IN_CHUNK, CHUNK_SIZE - SLOT);
    NUMBER(CHUNK_SHIFT, LOG2(CHUNK_SIZE));
    NUMBER(CHUNK_ZERO, AREA_CHUNKS_AT - CHUNK_SIZE); /* `cur` counts chunks from 1 */

    NUMBER(SLOT_LATE, SLOT_LATE);
    NUMBER(SLOT_SEARCHED, SLOT_SEARCHED);
    NUMBER(SLOT_WRITTEN, SLOT_WRITTEN);
    NUMBER(SLOT_FLAGS, SLOT_FLAGS);
}

/* What quick.S takes for granted besides. */
_Static_assert(sizeof(struct memo_node) == 2 * sizeof(struct memo_word), "one index for both");
_Static_assert(MEMO_USES_BP == 1u << 31 && NODE_CUT == 1u << 31, "its sign tells");
_Static_assert(CLOCK_ORDER == 1u << 31, "its sign tells");
_Static_assert(MEMO_NEXT < (1u << 31) / (2 * MAX_FRAMES), "runs are counted above a node");
_Static_assert(__builtin_offsetof(struct enter_stack, moved) == 8 * 9, "nine registers are saved");
_Static_assert(__builtin_offsetof(struct leave_stack, slot) == 8 * 10, "ten registers are saved");
_Static_assert(WRAP_WORDS == 5, "five words stay");
