; brk.asm - the program break, moved by hand.
;
; Idea:     brk answers where the break is now; memory is the difference between two answers.
; Do:       make run-brk
; Expect:   only brk 3 ; phase main user brk(0) 1 brk(8209) 1 brk(-8209) 1 ; exit 0
; Look for: the query that moves nothing, and the break that comes back to where it was.

global _start

section .text
_start:
  mov rax, 12
  xor rdi, rdi
  syscall                       ; brk(0): where is the break?
  mov rbx, rax
  lea rdi, [rbx + 8209]
  mov rax, 12
  syscall                       ; grow by 8209 bytes
  lea rdi, [rbx + 8209]
  cmp rax, rdi
  mov rdi, 1
  jne leave                     ; the kernel refuses by answering the old break
  mov byte [rbx + 8208], 1      ; touch the last byte
  mov rax, 12
  mov rdi, rbx
  syscall                       ; and give it back
  xor rdi, rdi
leave:
  mov rax, 60
  syscall                       ; exit(rdi)
