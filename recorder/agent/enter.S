/* enter.S - from the target's code into the agent and back, every register as it was.
 *
 * A stub pushes its number and jumps here. The C code below uses general registers only
 * (-mgeneral-regs-only), so vector state needs no saving.
 */
/* struct code_head of shared.h: the first bytes of the agent. */
	.section .head, "ax"
	.globl code_head
	.hidden code_head
code_head:
	.quad 0, 0, 0
	.quad 0, 0, 0, 0
	.long agent_entry - code_head, agent_after - code_head
	.long agent_any - code_head, agent_behind - code_head

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
	lea -32(%rsp), %rsp         /* moved, slot, after, arg0; above them the number */
	push %rdi                   /* its arguments */
	push %rsi
	push %rdx
	push %rbp                   /* for the unwinder only */
	push %rbx
	push %rdi                   /* pad: the stack is aligned to 16 bytes again */
	mov %rsp, %rdi
	call agent_enter
	mov 40(%rsp), %rdi
	lea 48(%rsp), %rsp
	call *(%rsp)                /* the function, by its moved first instructions */
	.globl agent_after
	.hidden agent_after
agent_after:
	push %rax                   /* its result */
	push %rdi
	mov %rsp, %rdi
	call agent_leave
	pop %rdi
	lea 48(%rsp), %rsp          /* the result, and the five words */
	ret

/* At any other hooked instruction: called as host/emit.h, emit_hook_call, tells. */
	.globl agent_behind
	.hidden agent_behind
agent_behind:                       /* behind a system call: bit 15 of the number tells */
	pushfq
	orl $0x8000, 16(%rsp)
	jmp 1f
	.globl agent_any
	.hidden agent_any
agent_any:
	pushfq
1:
	push %r15
	push %r14
	push %r13
	push %r12
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	cld
	mov %rsp, %rdi
	mov %rsp, %rbp              /* the stack may be aligned in any way here */
	and $-16, %rsp
	call agent_hook
	mov %rbp, %rsp
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	pop %r12
	pop %r13
	pop %r14
	pop %r15
	popfq
	ret

	.section .note.GNU-stack,"",@progbits
