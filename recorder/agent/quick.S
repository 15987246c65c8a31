/* quick.S - around an allocator function: in, and out again, with every register as it was.
 *
 * A stub pushes its number and jumps to agent_entry. Nearly every call is malloc or free, on a thread
 * that is known, from a stack that is remembered, with room in the thread's chunk: these are recorded
 * here, in half of the instructions that a compiler makes of it. What is done, and why it is safe, is
 * said in event.h and event.c, in C; this does the same, in the same order. Whatever is not so is
 * left to the C code, before anything has been done.
 *
 * All registers are given back, both ways, also those that a function may clobber: callers may rely
 * on less being clobbered (gcc -fipa-ra). General registers only; vector state needs no saving.
 */
#include "keep.inc"
#include "offsets.h"

#define WIPED 24 /* words */

/* What stands above the six saved registers: frames.h, struct enter_stack from `moved` on. */
#define MOVED 48(%rsp)
#define SLOT 56(%rsp)
#define AFTER 64(%rsp)
#define ARG0 72(%rsp)
#define NUMBER 80(%rsp) /* later the thread */
#define LINK 88(%rsp)   /* at first the number */
#define RET 96(%rsp)
/* The same above no saved register, and above three. */
#define LINK_BEFORE 32(%rsp)
#define SLOT_AFTER 24(%rsp)
#define AFTER_AFTER 32(%rsp)
#define THREAD_AFTER 48(%rsp)

	.text
	.globl agent_entry
	.hidden agent_entry
agent_entry:                            /* on the stack: the number, then the caller's return address */
	.cfi_startproc
	.cfi_def_cfa_offset 16
	lea -40(%rsp), %rsp             /* moved; five words stay, with the place of the number */
	.cfi_adjust_cfa_offset 40
	keep %rax
	keep %rcx
	keep %rdx
	keep %rsi
	keep %r8
	keep %r9

	mov LINK, %eax
	mov %rbp, LINK
	.cfi_offset %rbp, -16
	mov %rax, NUMBER
	shl $STUB_SHIFT, %rax
	add code_head+CODE_STUBS(%rip), %rax
	add $MOVED_IN_STUB, %rax        /* where the function goes on, by its moved instructions */
	mov %rax, MOVED
	movq $0, SLOT                   /* no record yet */

	mov code_head+CODE_AREA(%rip), %r9
	cmpl $0, AREA_RECORDING(%r9)
	je .Lgo
	mov NUMBER, %eax
	cmpb $KIND_CALL1, AREA_HOOK_KIND(%r9,%rax,8)
	jne .Lby_c
	cmpl $1, AREA_CLOCK(%r9)        /* 0: no stamps, 1: at both ends */
	jbe .Lby_c
	cmpl $BY_FSBASE, AREA_THREAD_BY(%r9)
	jne .Lby_word

	rdfsbase %rcx                   /* the thread: thread_find() */
.Lthread:
	mov %rcx, %rax
	shr $6, %rax                    /* home_of() */
	imul $HOME_FACTOR, %eax, %eax
	shr $HOME_SHIFT, %eax
	shl $ENTRY_SHIFT, %eax
	add code_head+CODE_IDENTITY(%rip), %rax
	cmp %rcx, ENTRY_FS(%rax)
	jne .Lby_c
	mov ENTRY_STATE(%rax), %r8      /* r8: its state */
	test %r8, %r8
	jz .Lby_c

	lea RET, %rsi                   /* its stack: stack_known() */
	cmp THREAD_STACK_LOW(%r8), %rsi
	jb .Lby_c
	cmp THREAD_STACK_HIGH(%r8), %rsi
	jae .Lby_c
	cmpq $0, THREAD_MEMO_BUSY(%r8)
	jne .Lby_c
	mov %rsi, THREAD_MEMO_BUSY(%r8)

	mov RET, %rdx                   /* remembered(): rsi is the slot, rdx the return address in it */
	mov %esi, %eax
	shr $3, %eax                    /* bucket_of() */
	add %edx, %eax
	and $BUCKET_LAST, %eax
	mov THREAD_BUCKETS(%r8,%rax,4), %ecx
	and $NEXT_MASK, %ecx
	mov %ecx, AFTER                 /* the first of the list: its own place in AFTER comes later */
	jz .Lnot_known
.Lnode:                                 /* ecx: the node, maybe */
	mov %ecx, %eax
	shl $WORD_SHIFT, %eax           /* rax: where its word is; its node is twice as far */
	cmp %rsi, WORD_SLOT(%r8,%rax)
	jne .Lnext
	cmp %rdx, WORD_PC(%r8,%rax)
	jne .Lnext
	mov NODE_TOP(%r8,%rax,2), %r9
	cmp THREAD_STACK_HIGH(%r8), %r9
	jae .Lnext
	cmpl $0, NODE_NEXT(%r8,%rax,2)  /* MEMO_USES_BP is its sign */
	js .Lrbp

.Lrun:                                  /* holds(): rax is the first word of a run, which holds */
	lea WORD_SLOT(%r8,%rax), %rdx
	mov NODE_LEFT(%r8,%rax,2), %r9d
	sub $4, %r9d                    /* has_words(): four, as long as there are four */
	jb .Lfew
	.macro word_holds at
	mov \at(%rdx), %rsi
	mov (%rsi), %rsi
	cmp \at+8(%rdx), %rsi
	jne .Ldiffers
	.endm
.Lfour:
	word_holds 16
	word_holds 32
	word_holds 48
	word_holds 64
	add $64, %rdx
	sub $4, %r9d
	jae .Lfour
.Lfew:
	add $4, %r9d
	jz .Lparent
.Lone:
	add $16, %rdx
	word_holds 0
	dec %r9d
	jnz .Lone
.Lparent:
	mov NODE_PARENT(%r8,%rax,2), %eax
	test %eax, %eax                 /* 0: the outermost frame, NODE_CUT: its sign */
	jz .Lknown
	js .Lcut
	add $RUN_COUNTED, %ecx          /* deeper frames are not shown */
	js .Lknown
	shl $WORD_SHIFT, %eax
	mov WORD_SLOT(%r8,%rax), %rsi
	mov (%rsi), %rsi
	cmp WORD_PC(%r8,%rax), %rsi
	je .Lrun
.Ldiffers:                              /* another one, with the same slot and return address? */
	lea RET, %rsi
	mov RET, %rdx
	mov %ecx, %eax
	and $NEXT_MASK, %eax
	shl $WORD_SHIFT, %eax
.Lnext:
	mov NODE_NEXT(%r8,%rax,2), %ecx
	and $NEXT_MASK, %ecx
	jnz .Lnode
	jmp .Lnot_known
.Lrbp:
	cmp %rbp, NODE_BP_IN(%r8,%rax,2)
	je .Lrun
	jmp .Lnext
.Lnot_known:
	movq $0, THREAD_MEMO_BUSY(%r8)
	movq $SLOT_SEARCHED, SLOT
	jmp .Lby_c

.Lknown:
	and $NEXT_MASK, %ecx            /* its node */
#ifdef AGENT_CHECKED
	call .Lcheck
#endif
	cmp %ecx, AFTER
	jne .Lforward
.Lfirst:
	movq $0, THREAD_MEMO_BUSY(%r8)

	mov THREAD_CUR(%r8), %rax       /* its place: ring_reserve() */
	lea -FIRST_IN_CHUNK(%rax), %edx
	cmp $LAST_IN_CHUNK-FIRST_IN_CHUNK, %edx
	ja .Lby_c
	mov %rax, %rdx                  /* chunk in the upper half, offset in the lower */
	shr $32-CHUNK_SHIFT, %rdx
	mov %eax, %r9d
	add %r9, %rdx
	add code_head+CODE_AREA(%rip), %rdx
	add $CHUNK_ZERO, %rdx           /* rdx: the record */
	mov (%rdx), %rsi                /* a page fault, and the signals it lets in, come here */
	lea CALL_SIZE(%rax), %rsi
	cmpxchg %rsi, THREAD_CUR(%r8)
	jne .Lby_c                      /* a signal handler was quicker */
	movq $CALL_BEGUN, (%rdx)
	mov %rsi, AFTER

	mov code_head+CODE_AREA(%rip), %r9 /* its time: agent_time() */
	mov AREA_CLOCK(%r9), %esi
	test %esi, %esi
	js .Lordered
	mov THREAD_CLOCK_LEFT(%r8), %eax /* in memory it is never below 0: a jump may leave here */
	sub $1, %eax
	jb .Lstamp
	mov %eax, THREAD_CLOCK_LEFT(%r8)
	movq $0, CALL_TIME(%rdx)
.Ltimed:
	incq THREAD_HITS(%r8)
	mov %rdi, CALL_ARGUMENT(%rdx)
	mov NUMBER, %eax
	shl $8, %eax
	shl $32, %rcx
	lea CALL_KIND(%rax,%rcx), %rax
	mov %r8, NUMBER                 /* from now on the thread */
	or %rdx, SLOT                   /* which may have SLOT_LATE */
	mov %rax, (%rdx)                /* now it is there for the host */
.Lgo:
	give %r9
	give %r8
	give %rsi
	give %rdx
	give %rcx
	give %rax
	lea 8(%rsp), %rsp
	.cfi_adjust_cfa_offset -8
	lea LINK_BEFORE, %rbp
	call *-8(%rsp)                  /* the function; its return address comes to where its own was */
	.globl agent_after
	.hidden agent_after
agent_after:                            /* rax: its result; on the stack the five words */
	keep %rdx
	keep %rcx
	keep %rsi
	mov SLOT_AFTER, %rdx
	test $SLOT_FLAGS-SLOT_LATE, %dl
	jnz .Lafter_by_c
	and $-1-SLOT_FLAGS, %rdx        /* rdx: the record */
	jz .Lout
	mov THREAD_AFTER, %rcx          /* rcx: the thread */
	mov code_head+CODE_IDENTITY(%rip), %rsi
	mov IDENTITY_PID(%rsi), %esi
	cmp THREAD_PID(%rcx), %esi      /* a forked child must leave the record alone */
	jne .Lafter_by_c
	mov THREAD_CUR(%rcx), %rsi      /* is_last() */
	cmp AFTER_AFTER, %rsi
	jne .Lafter_by_c
	mov %rax, CALL_RESULT(%rdx)
	testb $SLOT_LATE, SLOT_AFTER
	jnz .Llate
.Ldone:
	orl $CALL_DONE, (%rdx)
	cmp THREAD_CUR(%rcx), %rsi      /* still? */
	jne .Lwritten
.Lout:
	.cfi_remember_state
	give %rsi
	give %rcx
	give %rdx
	mov LINK_BEFORE, %rbp
	.cfi_restore %rbp
	movq $0, LINK_BEFORE            /* it may have been the address of a block */
	lea 40(%rsp), %rsp              /* the five words */
	.cfi_adjust_cfa_offset -40
	ret

.Llate:
	.cfi_restore_state
	.cfi_remember_state
	keep %rax
	mov %rdx, %rcx
	rdtsc
	shl $32, %rdx
	or %rax, %rdx
	mov %rdx, CALL_TIME(%rcx)
	mov %rcx, %rdx
	give %rax
	movq $0, -8(%rsp)               /* no trace of the block: who looks for leaks reads dead words */
	mov THREAD_AFTER, %rcx
	jmp .Ldone
.Lwritten:
	orq $SLOT_WRITTEN, SLOT_AFTER
.Lafter_by_c:
	keep %rax
	keep %rdi
	keep %r8
	keep %r9
	keep %r10
	keep %r11
	keep %rax                       /* for the alignment */
	mov %rsp, %rdi
	call agent_leave
	lea -WIPED*8(%rsp), %rdi        /* nor in what agent_leave has left below */
	mov $WIPED, %ecx
	xor %eax, %eax
	rep stosq
	give %rax
	give %r11
	give %r10
	give %r9
	give %r8
	give %rdi
	give %rax
	.irp at, 8, 16, 24, 32, 40, 48, 56
	movq $0, -\at(%rsp)
	.endr
	jmp .Lout

	/* The rest of agent_entry. */
.Lforward:                              /* bring_forward(): it is looked at first the next time */
	.cfi_def_cfa_offset 104
	mov AFTER, %eax
	mov %eax, %r9d                  /* r9: the first */
.Lbefore:
	shl $WORD_SHIFT, %rax           /* rax: one of the list, until the one before it */
	mov NODE_NEXT(%r8,%rax,2), %edx
	and $NEXT_MASK, %edx
	cmp %ecx, %edx
	je .Lunlink
	mov %edx, %eax
	jmp .Lbefore
.Lunlink:
	mov %ecx, %esi
	shl $WORD_SHIFT, %rsi
	mov NODE_NEXT(%r8,%rsi,2), %edx
	and $NEXT_MASK, %edx
	xor %ecx, %edx                  /* from this one to the next, in one instruction */
	xor %edx, NODE_NEXT(%r8,%rax,2)
	xor %ecx, %edx
	xor %r9d, %edx
	xor %edx, NODE_NEXT(%r8,%rsi,2)
	lea RET, %rax
	shr $3, %eax
	add RET, %eax
	and $BUCKET_LAST, %eax
	xor %ecx, %r9d                  /* from the first to this one; the length stays */
	xor %r9d, THREAD_BUCKETS(%r8,%rax,4)
	jmp .Lfirst
.Lordered:                              /* two threads: the stamp that orders the event */
	mov NUMBER, %eax
	btl $KIND_FREES_BIT, AREA_HOOK_KIND(%r9,%rax,8)
	jc .Lread_clock
	movq $SLOT_LATE, SLOT
	movq $0, CALL_TIME(%rdx)
	jmp .Ltimed
.Lstamp:
	dec %esi
	mov %esi, THREAD_CLOCK_LEFT(%r8)
.Lread_clock:
	mov %rdx, %rsi
	rdtsc
	shl $32, %rdx
	or %rax, %rdx
	mov %rdx, CALL_TIME(%rsi)
	mov %rsi, %rdx
	jmp .Ltimed

.Lcut:                                  /* end_holds() */
	add %eax, %eax
	shr $9, %eax                    /* CUT_VERSION */
	jz .Lknown
	mov code_head+CODE_IDENTITY(%rip), %rdx
	mov IDENTITY_TABLES(%rdx), %rdx
	test %rdx, %rdx
	jz .Ldiffers
	add code_head+CODE_AREA(%rip), %rdx
	cmp TABLES_VERSION(%rdx), %eax
	je .Lknown
	jmp .Ldiffers
.Lby_word:                              /* thread_pointer(): the word that %fs points to */
	cmpl $BY_WORD, AREA_THREAD_BY(%r9)
	jne .Lby_c
	mov %fs:0, %rcx
	jmp .Lthread

.Lby_c:
	mov %rbx, ARG0                  /* for the unwinder */
	keep %rdi
	keep %r10
	keep %r11                       /* the stack is aligned to 16 bytes again */
	mov %rsp, %rdi
	call agent_enter
	give %r11
	give %r10
	give %rdi
	jmp .Lgo
#ifdef AGENT_CHECKED
.Lcheck:                                /* check_stack(thread, slot, address, rbp, rbx, node) */
	.cfi_def_cfa_offset 112
	keep %rdi
	keep %r8
	keep %rcx
	keep %r10
	keep %r11
	mov %r8, %rdi
	lea 48+RET, %rsi
	mov (%rsi), %rdx
	mov %ecx, %r9d
	mov %rbp, %rcx
	mov %rbx, %r8
	call check_stack
	give %r11
	give %r10
	give %rcx
	give %r8
	give %rdi
	ret
#endif
	.cfi_endproc

	.section .note.GNU-stack,"",@progbits
