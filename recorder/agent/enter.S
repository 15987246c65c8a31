/* enter.S - from the target's code into the agent and back, every register as it was.
 *
 * A stub pushes its number and jumps here. The C code below uses general registers only
 * (-mgeneral-regs-only), so vector state needs no saving.
 */
/* Unwind tables (.cfi) say at each instruction where the caller's frame is: a signal may come in
 * here, and its handler look for its callers (through.c).
 */
	.macro keep register
	push \register
	.cfi_adjust_cfa_offset 8
	.endm
	.macro give register
	pop \register
	.cfi_adjust_cfa_offset -8
	.endm

/* struct code_head of shared.h: the first bytes of the agent. */
	.section .head, "ax"
	.globl code_head
	.hidden code_head
code_head:
	.quad 0, 0, 0
	.quad 0, 0, 0, 0
	.long agent_entry - code_head, agent_after - code_head
	.long agent_any - code_head, agent_behind - code_head

	.section .eh_frame, "a", @progbits
	.globl agent_frames
	.hidden agent_frames
agent_frames:                       /* unwind tables of all this code: through.c */

	.text

/* Before an allocator function:   [number] [caller's return address] ...
 *
 * Five words stay on the stack while the function runs (frames.h, WRAP_WORDS in shared.h), which
 * keeps its stack aligned as the ABI wants it. The C code gives every register back (AGENT_KEEPS),
 * also those that a function may clobber: callers may rely on less being clobbered (gcc -fipa-ra).
 */
	.globl agent_entry
	.hidden agent_entry
agent_entry:
	.cfi_startproc
	.cfi_def_cfa_offset 16
	lea -32(%rsp), %rsp         /* moved, slot, after, arg0; above them the number */
	.cfi_adjust_cfa_offset 32
	keep %rdi                   /* its arguments */
	keep %rsi
	keep %rdx
	keep %rbp                   /* for the unwinder only */
	keep %rbx
	keep %rdi                   /* pad: the stack is aligned to 16 bytes again */
	mov %rsp, %rdi
	call agent_enter
	mov 40(%rsp), %rdi
	lea 48(%rsp), %rsp
	.cfi_adjust_cfa_offset -48
	call *(%rsp)                /* the function, by its moved first instructions */
	.globl agent_after
	.hidden agent_after
agent_after:
	keep %rax                   /* its result */
	keep %rdi
	mov %rsp, %rdi
	call agent_leave
	give %rdi
	lea 48(%rsp), %rsp          /* the result, and the five words */
	.cfi_adjust_cfa_offset -48
	ret
	.cfi_endproc

/* At any other hooked instruction: called as host/emit.h, emit_hook_call, tells. */
	.globl agent_behind
	.hidden agent_behind
agent_behind:                       /* behind a system call: bit 15 of the number tells */
	.cfi_startproc
	pushfq
	.cfi_adjust_cfa_offset 8
	orl $0x8000, 16(%rsp)
	jmp 1f
	.cfi_adjust_cfa_offset -8
	.globl agent_any
	.hidden agent_any
agent_any:
	pushfq
	.cfi_adjust_cfa_offset 8
1:
	keep %r15
	keep %r14
	keep %r13
	keep %r12
	keep %rax
	keep %rcx
	keep %rdx
	keep %rsi
	keep %rdi
	keep %r8
	keep %r9
	keep %r10
	keep %r11
	keep %rbx
	keep %rbp
	.cfi_rel_offset %rbp, 0
	cld
	mov %rsp, %rdi
	mov %rsp, %rbp              /* the stack may be aligned in any way here */
	.cfi_def_cfa_register %rbp
	and $-16, %rsp
	call agent_hook
	mov %rbp, %rsp
	.cfi_def_cfa_register %rsp
	give %rbp
	.cfi_restore %rbp
	give %rbx
	give %r11
	give %r10
	give %r9
	give %r8
	give %rdi
	give %rsi
	give %rdx
	give %rcx
	give %rax
	give %r12
	give %r13
	give %r14
	give %r15
	popfq
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc

/* Where agent_any returns to in place of the hooked function, which shall not run: to its caller. */
	.globl agent_return
	.hidden agent_return
agent_return:
	.cfi_startproc
	.cfi_def_cfa_offset 144
	lea 136(%rsp), %rsp         /* the number and the red zone */
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc

	.section .note.GNU-stack,"",@progbits
