/* enter.S - where the agent's code begins, and the way into it from any hooked instruction but an
 * allocator function's first (quick.S): every register is as it was, afterwards.
 *
 * The C code uses general registers only (-mgeneral-regs-only), so vector state needs no saving.
 */
#include "keep.inc"

/* struct code_head of shared.h: the first bytes of the agent. agent.lds adds its last word. */
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

/* At any other hooked instruction: called as host/code/emit.h, emit_hook_call, tells. */
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
