/* heir.h - who goes on where a recorder was killed: nothing that it had read, and nothing that lay in the
 * rings until then, is lost.
 */
#ifndef RECORDER_HEIR_H
#define RECORDER_HEIR_H

/* Make it: a process with our memory and descriptors, which waits for our end. If that is SIGKILL it
 * calls `begin`, as our code would be called by a signal's handler, goes on where we were, and lets us
 * die when it ends. Where it cannot be made, or may not trace us, a death is a death as before. */
void heir_make(void (*begin)(void));
/* We end by ourselves: nobody is to wait for it. */
void heir_dismiss(void);

#endif
