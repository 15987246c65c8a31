/* detour_cases.h - small functions that are awkward to move, and what is expected of each.
 *
 * CASE(name, expected refusal, code): takes up to three arguments in rdi, rsi, rdx; returns rax.
 */
#define REFUSED_CASES                                                                              \
    CASE(branch_inside, BRANCHED_INTO, "mov %edi, %eax; 1: dec %eax; jg 1b; ret")                  \
    CASE(loop_inside, BRANCHED_INTO, "mov %edi, %ecx; 1: loop 1b; mov %ecx, %eax; ret")            \
    CASE(branch_from_far, BRANCHED_INTO,                                                           \
         "mov %edi, %eax; 1: sub $3, %eax; mov $7, %edx; test %eax, %eax; jg 1b; ret")             \
    CASE(call_inside, CALL_INSIDE,                                                                 \
         "push %rdi; call *%rsi; mov %eax, %edx; pop %rax; add %edx, %eax; ret")                   \
    CASE(call_by_stack, NOT_MOVABLE, "push %rdi; call *8(%rsp); ret")                              \
    CASE(transaction, NOT_MOVABLE, "xbegin 1f; 1: ret")                                            \
    CASE(short_before_code, TOO_SHORT, "mov %edi, %eax; ret; mov %eax, %edx; mov %edx, %esi; ret") \
    CASE(invalid, NOT_CODE, ".byte 0x06; ret; nop; nop; nop; nop")

#define MOVED_CASES                                                                                \
    CASE(plain, MOVED, "push %rbx; mov %edi, %ebx; lea 7(%rbx), %eax; pop %rbx; ret")              \
    CASE(marked, MOVED, "endbr64; mov %rdi, %rax; imul %rsi, %rax; ret")                           \
    CASE(marked_short, MOVED, "endbr64; xor %eax, %eax; ret")                                      \
    CASE(only_return, MOVED, "ret")                                                                \
    CASE(short_return, MOVED, "mov %edi, %eax; ret")                                               \
    CASE(load, MOVED, "mov case_number(%rip), %rax; add %rdi, %rax; ret")                          \
    CASE(load_immediate, MOVED,                                                                    \
         "cmpl $0x12345678, case_number(%rip); sete %al; movzx %al, %eax; ret")                    \
    CASE(address, MOVED, "lea case_number(%rip), %rax; ret")                                       \
    CASE(vector, MOVED, "vmovdqu case_number(%rip), %xmm0; vmovq %xmm0, %rax; ret")                \
    CASE(branch, MOVED, "test %rdi, %rdi; je 1f; lea 1(%rdi), %rax; ret; 1: mov $77, %eax; ret")   \
    CASE(branch_back, MOVED, "dec %rdi; jg case_branch_back; mov %rdi, %rax; ret")                 \
    CASE(counted, MOVED, "mov %rdi, %rcx; jrcxz 1f; lea 3(%rcx), %rax; ret; 1: mov $8, %eax; ret") \
    CASE(looped, MOVED, "lea 1(%rdi), %rcx; loop 1f; mov $9, %eax; ret; 1: mov %rcx, %rax; ret")   \
    CASE(looped_short, MOVED,                                                                      \
         "lea 1(%edi), %ecx; addr32 loop 1f; mov $9, %eax; ret; 1: mov %rcx, %rax; ret")           \
    CASE(called, MOVED, "call case_where; ret")                                                    \
    CASE(called_far, MOVED, "sub $8, %rsp; call case_where; add $8, %rsp; ret")                    \
    CASE(called_memory, MOVED, "call *case_pointer(%rip); ret")                                    \
    CASE(called_register, MOVED, "mov case_pointer(%rip), %rax; call *%rax; ret")                  \
    CASE(called_extended, MOVED, "lea case_pointer(%rip), %r12; call *(%r12); ret")                \
    CASE(tail, MOVED, "jmp case_plain")                                                            \
    CASE(tail_memory, MOVED, "jmp *case_pointer(%rip)")                                            \
    CASE(frame, MOVED,                                                                             \
         "push %rbp; mov %rsp, %rbp; mov %rdi, -8(%rbp); mov -8(%rbp), %rax; pop %rbp; ret")

/* Around a system call: the red zone, the flags and the registers live over it. */
#define SITE_CASES                                                                                 \
    CASE(before, 39, "mov %rdi, -8(%rsp); mov $39, %eax; syscall; mov -8(%rsp), %rax; ret")        \
    CASE(behind, -1,                                                                               \
         "mov %rdi, -16(%rsp); xor %eax, %eax; jmp 1f; nop; 1: mov $39, %al; 2: "                  \
         "syscall; cmp $-4095, %rax; jae 2b; mov -16(%rsp), %rax; ret")                            \
    CASE(flags, 39,                                                                                \
         "push %rbx; xor %eax, %eax; lea 39(%rax), %eax; stc; syscall; sbb %eax, %eax; "           \
         "pop %rbx; ret")                                                                          \
    CASE(pushed, 39,                                                                               \
         "push $39; pop %rax; syscall; mov %r8, %rax; sub %r8, %rax; add %rsi, %rax; ret")         \
    CASE(direction, 39,                                                                            \
         "mov $39, %eax; std; syscall; pushfq; pop %rax; cld; and $0x400, %eax; ret")              \
    CASE(generic, -1, "push %rdi; lea 39(%rcx), %eax; syscall; pop %rax; ret")

/* System calls that are left alone, or get fewer hooks: CASE(name, refusal, code) */
#define SPECIAL_SITES                                                                              \
    CASE(cancel_musl, CANCELLATION,                                                                \
         "mov (%rdi), %eax; test %eax, %eax; jnz 1f; mov %rdi, %r11; mov %rsi, %rax; mov %rdx, "   \
         "%rdi; "                                                                                  \
         "mov %rcx, %rsi; mov %r8, %rdx; mov %r9, %r10; mov 8(%rsp), %r8; mov 16(%rsp), %r9; "     \
         "mov %r11, 8(%rsp); syscall; ret; 1: ud2")                                                \
    CASE(cancel_glibc, CANCELLATION,                                                               \
         "testb $8, (%rdi); jne 1f; mov %rdi, %r11; mov %rsi, %rax; mov %rdx, %rdi; mov %rcx, "    \
         "%rsi; "                                                                                  \
         "mov %r8, %rdx; mov %r9, %r10; syscall; ret; 1: ud2")                                     \
    CASE(unmap, MOVED, "mov $11, %eax; syscall; xor %edi, %edi; mov $60, %al; syscall")            \
    CASE(jumped_to, BRANCHED_INTO, "jmp 1f; 2: xor %eax, %eax; 1: syscall; 3: jmp 2b; jmp 3b")     \
    CASE(no_room, TOO_SHORT, "syscall; ret; nop; nop; nop")
