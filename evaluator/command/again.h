/* again.h - system calls that failed for the moment only. */
#ifndef AGAIN_H
#define AGAIN_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

/* Whether a read or write that has just failed should be tried again: a signal came, or the
 * descriptor does not block (somebody who shares it wanted it so) and is ready now. */
static inline bool try_again(int descriptor, short events)
{
    struct pollfd about = {.fd = descriptor, .events = events};
    if (errno != EAGAIN)
        return errno == EINTR;
    return poll(&about, 1, -1) >= 0 || errno == EINTR;
}

#endif
