/* markers.S - brkpoint_region.h: where a region of the program begins and ends.
 *
 * Instructions and not C: no optimiser inlines them, drops them, or makes one of two that are alike,
 * and each begins with room for a jump. The note says where they are, and stays when all names are
 * stripped; its offsets count from where they stand, so that nothing has to be relocated.
 */
#ifdef __CET__
#include <cet.h> /* a program that keeps to CET still says so */
#endif

    .text
    .macro marker name, number
    .globl \name
    .hidden \name
    .type \name, @function
    .p2align 4
\name:
    .cfi_startproc
    endbr64
    .byte 0x0f, 0x1f, 0x84, 0x00 /* nopl number(%rax,%rax) */
    .long \number
    ret
    .cfi_endproc
    .size \name, . - \name
    .endm

    marker brkpoint_region_begin, 0x62
    marker brkpoint_region_end, 0x65

    .section .note.brkpoint, "a", @note
    .p2align 2
    .long 9, 8, 1 /* bytes of the name, bytes behind it, version */
    .asciz "brkpoint"
    .p2align 2
    .long brkpoint_region_begin - .
    .long brkpoint_region_end - .

    .section .note.GNU-stack, "", @progbits
