/* code_bytes.h - which bytes of an executable segment are code.
 *
 * Not all need be: gold, and ld before 2018 or with -z noseparate-code, put constants, names and
 * relocations into the same segment, and hand-written code has tables between its functions
 * (libcrypto's points of P-256). In 64 KiB of such bytes the two of a system call stand once by
 * chance. To write over them would change what the program computes.
 */
#ifndef RECORDER_CODE_BYTES_H
#define RECORDER_CODE_BYTES_H

#include "code/syscall_sites.h"
#include "elf/elf.h"

/* The stretch of `code`, at its vaddr, that the file's executable sections take up; all of it where
 * the file has no section headers, or such that cannot be true. */
struct code code_bytes(const struct elf *elf, const struct code *code);

/* Takes away the sites that are none, as far as can be told: those outside executable sections; and
 * of those between two functions that unwind tables know, what no number is loaded for, unless most
 * there have one: then it is code that has no tables; or the function before goes on there. `text`: what they were found in. */
void code_bytes_believe(const struct elf *elf, const struct text *text,
                        struct syscall_sites *sites);

#endif
