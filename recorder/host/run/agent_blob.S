/* The agent, as recorder/agent/ was linked. */
	.section .rodata
	.balign 16
	.globl agent_begin, agent_finish
agent_begin:
	.incbin AGENT_BIN
agent_finish:
	.section .note.GNU-stack,"",@progbits
