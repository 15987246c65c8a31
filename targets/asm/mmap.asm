; mmap.asm - every syscall of a mapping's life, by hand.
;
; Idea:     map, advise, protect, grow, unmap: malloc does the same behind its counter.
; Do:       make run-mmap
; Expect:   only mmap(20011) 1 madvise(20011) 1 mprotect(20011) 1 mremap 1 munmap(40009) 1 ; exit 0
; Look for: one line for each syscall, all the user's, none made by a call.

global _start

section .text
_start:
  mov rax, 9
  xor rdi, rdi
  mov rsi, 20011
  mov rdx, 3            ; PROT_READ | PROT_WRITE
  mov r10, 0x22         ; MAP_PRIVATE | MAP_ANONYMOUS
  mov r8, -1
  xor r9, r9
  syscall               ; rbx = mmap(0, 20011, ...)
  mov rbx, rax
  mov rax, 28
  mov rdi, rbx
  mov rdx, 4            ; madvise(rbx, 20011, MADV_DONTNEED)
  syscall
  mov rax, 10
  mov rdx, 1            ; mprotect(rbx, 20011, PROT_READ)
  syscall
  mov rax, 25
  mov rdx, 40009
  mov r10, 1            ; mremap(rbx, 20011, 40009, MREMAP_MAYMOVE)
  syscall
  mov rdi, rax
  mov rsi, 40009
  mov rax, 11
  syscall               ; munmap(rdi, 40009)
  mov rdi, rax
  mov rax, 60
  syscall               ; exit(what munmap answered)
