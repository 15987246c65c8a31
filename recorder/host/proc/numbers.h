/* numbers.h - numbers of processes and threads in PID namespaces: pid_namespaces(7), NSpid of proc(5).
 *
 * Whoever is in a namespace below ours has a number there, which it is told by the kernel and tells us,
 * and one here. A number that is `own` is one that it tells.
 */
#ifndef RECORDER_NUMBERS_H
#define RECORDER_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether its number here is the one that it is told; so where the kernel does not say. */
bool numbers_are_ours(pid_t pid);
/* The same of children that it will fork. */
bool numbers_of_children_are_ours(pid_t pid);
/* What a process or thread is told; 0: it is over. */
uint32_t number_own(pid_t pid);
/* The number here of a thread of the process `pid`; 0: there is none. */
pid_t number_of_thread(pid_t pid, uint32_t own);
/* The number here of a process below us. `teller`: the process whose namespace the number is of; 0: its
 * own. `is_it`: asked of each that bears the number. 0: there is none. */
pid_t number_of_process(uint32_t number, pid_t teller, bool (*is_it)(void *about, pid_t pid),
                        void *about);

#endif
