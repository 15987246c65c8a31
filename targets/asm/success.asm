; success.asm - a program that only ends.
;
; Idea:     the kernel loads a program without one memory syscall.
; Do:       make run-success_asm
; Expect:   none ; exit 0
; Look for: nothing at all: no loader, no libc, no brk, no mmap.

global _start

section .text
_start:
  mov rax, 60      ; exit(
  mov rdi, 0       ;   EXIT_SUCCESS
  syscall          ; );
