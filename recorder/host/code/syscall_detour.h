/* syscall_detour.h - a detour around one `syscall` instruction, with hooks in front and behind.
 *
 *     start:   mov $9,%eax             start:   jmp  DETOUR
 *              syscall                          (syscall: never reached, still right)
 *     behind:  cmp $-4095,%rax         behind:  cmp $-4095,%rax
 *
 *                                      DETOUR:  mov $9,%eax
 *                                               call of hooks.before   (emit.h: emit_hook_call)
 *                                               syscall
 *                                               call of hooks.after
 *                                               jmp  behind
 *
 * The detour keeps nothing on the stack over the system call: a child of clone goes on behind it on
 * a stack of its own, in the same detour. It runs hooks.after as well, if there is one.
 */
#ifndef RECORDER_SYSCALL_DETOUR_H
#define RECORDER_SYSCALL_DETOUR_H

#include "detour.h"
#include "syscall_sites.h"

struct syscall_hooks {
    uint64_t before; /* addresses of thunks in the target, 0: no such hook */
    uint64_t after;
    uint32_t id; /* what both are given */
};

/* Writes the detour of `site`, found in `code`, for `place`. In *out, `patch` is where the jump
 * goes (detour_jump), `copy` is `place`. A thread that waited in the system call while this was
 * planted goes on (moved_into_copy) at hooks.after, without a call of hooks.before. Hooks that the
 * site's stack does not allow are left out (enum syscall_stack). */
enum refusal syscall_detour(const struct code *code, const struct syscall_site *site,
                            const struct syscall_hooks *hooks, uint64_t place, struct moved *out);

#endif
