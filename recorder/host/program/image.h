/* image.h - what a program is, for those who plant into it: at its start, or later. */
#ifndef RECORDER_IMAGE_H
#define RECORDER_IMAGE_H

#include "host.h"

/* Read what `p` runs, and announce it. */
void image_know(struct host *h, struct process *p);
/* It must stand in a ptrace stop. */
bool image_is_64_bit(const struct process *p);
/* Whether seccomp watches its system calls. */
bool image_is_filtered(pid_t pid);
/* Whether it is of our user, and sees our files and processes under the names that we do. */
bool image_is_at_home(pid_t pid);

/* A program stood still since then, for us. */
void image_stood(struct host *h, uint64_t since_ns);
/* `p` stands at its first instruction: plant, and let it go. */
void image_begin(struct host *h, struct process *p);

#endif
