/* detour_run.c - moves awkward functions, runs them, and compares with what they did before.
 *
 * Prints a line `not ok …` for each difference, and at the end `N passed, M failed`.
 */
#define _GNU_SOURCE
#include "detour_cases.h"
#include "host/code/syscall_detour.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { AREA = 1 << 20 };

#define CASE(name, expected, body)                                                                 \
    ".p2align 4; .globl case_" #name "\ncase_" #name ": " body "\ncase_end_" #name                 \
    ": .p2align 4; .globl case_end_" #name "\n"
__asm__(".pushsection .text.cases, \"ax\", @progbits; .p2align 12; cases_begin: "
        ".globl cases_begin, case_where\n" MOVED_CASES REFUSED_CASES SITE_CASES SPECIAL_SITES
        ".p2align 4; case_where: mov (%rsp), %rax; add %rdi, %rax; ret\n"
        ".p2align 12, 0x90; .globl cases_end; cases_end: .popsection\n"
        ".pushsection .data; .globl case_number, case_pointer; case_number: .quad 0x12345678, 5\n"
        "case_pointer: .quad case_where; .popsection\n"
        /* A thunk as emit.h wants it: it counts, and leaves all as it was. */
        ".globl count_thunk\ncount_thunk: pushfq; cld; lock incq counted(%rip); popfq; ret\n"
        ".comm counted, 8\n"
        /* run(function, a, b, c): with every other scratch register the same each time */
        ".globl run\nrun: push %rbx; push %r12; push %rbp; mov %rdi, %r11; mov %rsi, %rdi\n"
        "mov %rdx, %rsi; mov %rcx, %rdx; xor %eax, %eax; xor %ecx, %ecx; mov $8, %r8d\n"
        "mov $9, %r9d; mov $10, %r10d; call *%r11; pop %rbp; pop %r12; pop %rbx; ret\n");
#undef CASE

extern const uint8_t cases_begin[], cases_end[], count_thunk[];
extern uint64_t counted;
uint64_t run(const uint8_t *function, uint64_t a, uint64_t b, uint64_t c);

#define CASE(name, expected, body) extern const uint8_t case_##name[], case_end_##name[];
MOVED_CASES REFUSED_CASES SITE_CASES SPECIAL_SITES
#undef CASE

    struct subject_case {
    const char *name;
    int expected;
    const uint8_t *begin, *end;
};

#define CASE(name, expected, body) {#name, expected, case_##name, case_end_##name},
static const struct subject_case moved_cases[] = {MOVED_CASES};
static const struct subject_case refused_cases[] = {REFUSED_CASES};
static const struct subject_case site_cases[] = {SITE_CASES};
static const struct subject_case special_sites[] = {SPECIAL_SITES};
#undef CASE
#define COUNT(list) (sizeof(list) / sizeof *(list))

static unsigned passed, failed;
static uint8_t *area;
static size_t used;

static void check(bool well, const char *name, const char *what)
{
    if (!well)
        printf("not ok %s: %s\n", name, what);
    *(well ? &passed : &failed) += 1;
}

static struct function function_of_case(const struct subject_case *c)
{
    size_t extent = c->end - c->begin, room = (extent + 15) & ~(size_t)15;
    return (struct function){{(uint64_t)c->begin, c->begin, room}, extent};
}

/* Results for some arguments, one number. */
static uint64_t results(const struct subject_case *c)
{
    static const uint64_t arguments[] = {0, 1, 2, 7, 1000003};
    uint64_t mixed = 17;
    for (size_t n = 0; n < COUNT(arguments); n++)
        mixed = mixed * 31 + run(c->begin, arguments[n], arguments[n] + 5, 3);
    return mixed;
}

static void plant(const struct moved *moved, uint64_t detour)
{
    uint8_t jump[JUMP_BYTES];
    memcpy((void *)moved->copy, moved->bytes, moved->length);
    if (detour_jump(moved, detour, jump))
        memcpy((void *)moved->patch, jump, sizeof jump);
    used += moved->length + HOOK_CALL_BYTES;
}

static void check_moved(const struct subject_case *c)
{
    struct function f = function_of_case(c);
    struct moved moved;
    struct emitter hook;
    uint64_t place = (uint64_t)area + used, before = results(c), count = counted;
    enum refusal refusal = detour_entry(&f, JUMP_BYTES, place + HOOK_CALL_BYTES, &moved);
    check(refusal == MOVED, c->name, refusal_text(refusal));
    if (refusal != MOVED)
        return;
    emit_begin(&hook, place, area + used, HOOK_CALL_BYTES);
    emit_hook_call(&hook, (uint64_t)count_thunk, 3);
    plant(&moved, place);
    check(results(c) == before, c->name, "gives another result in its new place");
    check(counted >= count + 5, c->name, "is not entered through the detour");
    check(moved.branched_to == (strcmp(c->name, "branch_back") == 0), c->name, "branched_to");
    check(moved_into_copy(&moved, moved.patch) == moved.copy, c->name, "moved_into_copy");
    check(moved_from_copy(&moved, moved.copy) == moved.patch, c->name, "moved_from_copy");
}

static void check_refused(const struct subject_case *c)
{
    struct function f = function_of_case(c);
    struct moved moved;
    enum refusal refusal = detour_entry(&f, JUMP_BYTES, (uint64_t)area + used, &moved);
    check((int)refusal == c->expected, c->name, refusal_text(refusal));
}

static void check_site(const struct subject_case *c)
{
    struct extent extent = {(uint64_t)c->begin, c->end - c->begin};
    struct text text = {{extent.address, c->begin, extent.length}, &extent, 1};
    struct syscall_hooks hooks = {(uint64_t)count_thunk, (uint64_t)count_thunk, 4};
    struct syscall_sites sites;
    struct moved moved;
    uint64_t before = results(c), count = counted;
    check(syscall_sites_find(&text, &sites) && sites.count == 1, c->name, "is one system call");
    check(sites.list[0].number == c->expected, c->name, "number of the system call");
    enum refusal refusal =
        syscall_detour(&text.code, &sites.list[0], &hooks, (uint64_t)area + used, &moved);
    check(refusal == MOVED, c->name, refusal_text(refusal));
    if (refusal == MOVED) {
        plant(&moved, moved.copy);
        check(results(c) == before, c->name, "gives another result around its detour");
        check(counted >= count + 10, c->name, "hooks are not called");
    }
    syscall_sites_free(&sites);
}

/* The first of them; the second one of `unmap` stands on no stack. */
static void check_special(const struct subject_case *c)
{
    struct extent extent = {(uint64_t)c->begin, c->end - c->begin};
    struct text text = {{extent.address, c->begin, extent.length}, &extent, 1};
    struct syscall_hooks hooks = {(uint64_t)count_thunk, (uint64_t)count_thunk, 4};
    struct syscall_sites sites;
    struct moved moved;
    check(syscall_sites_find(&text, &sites) && sites.count > 0, c->name, "is a system call");
    for (size_t n = 0; n < sites.count; n++) {
        const struct syscall_site *site = &sites.list[n];
        unsigned hook_calls = 2 - site->stack;
        check((int)site->refusal == c->expected, c->name, refusal_text(site->refusal));
        check(site->stack == (c->expected == MOVED ? STACK_UNMAPPED + n : 0), c->name, "stack");
        if (syscall_detour(&text.code, site, &hooks, (uint64_t)area + used, &moved) == MOVED)
            check(moved.length / HOOK_CALL_BYTES == hook_calls, c->name, "number of hooks");
    }
    syscall_sites_free(&sites);
}

/* Too far for 32 bits: the copy, or what it refers to. */
static void check_far(void)
{
    struct function f = function_of_case(&moved_cases[5]);
    struct moved moved;
    uint8_t jump[JUMP_BYTES];
    uint64_t far = f.code.address + (3ULL << 30);
    check(detour_entry(&f, JUMP_BYTES, far, &moved) == TOO_FAR, "load", "is moved too far");
    check(detour_entry(&f, SHORT_JUMP_BYTES - 1, f.code.address, &moved) != MOVED, "load",
          "need below a jump");
    check(detour_entry(&f, 17, f.code.address, &moved) != MOVED, "load", "need too large");
    if (detour_entry(&f, JUMP_BYTES, f.code.address, &moved) == MOVED)
        check(!detour_jump(&moved, far, jump), "load", "jumps too far");
}

int main(void)
{
    size_t length = cases_end - cases_begin;
    uint64_t hint = ((uint64_t)cases_begin & ~0xFFFULL) + (64 << 20);
    setvbuf(stdout, NULL, _IOLBF, 0);
    area = mmap((void *)hint, AREA, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (area == MAP_FAILED ||
        mprotect((void *)cases_begin, length, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
        perror("memory for code");
        return 2;
    }
    check_far();
    for (size_t n = 0; n < COUNT(refused_cases); n++)
        check_refused(&refused_cases[n]);
    for (size_t n = 0; n < COUNT(moved_cases); n++)
        check_moved(&moved_cases[n]);
    for (size_t n = 0; n < COUNT(site_cases); n++)
        check_site(&site_cases[n]);
    for (size_t n = 0; n < COUNT(special_sites); n++)
        check_special(&special_sites[n]);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
