/* hold.c - an end that waits until a thread of the target is whole again (hold.h). */
#include "hold.h"

#include <signal.h>
#include <unistd.h>

#define GAVE_UP 3 /* exit status */

static volatile sig_atomic_t held, gave_up;

void hold_begins(void)
{
    held = held + 1;
}

void hold_ends(void)
{
    held = held - 1;
    if (held == 0 && gave_up)
        _exit(GAVE_UP);
}

_Bool hold_is_on(void)
{
    return held > 0;
}

void hold_or_exit(void)
{
    if (!held || gave_up)
        _exit(GAVE_UP);
    gave_up = 1;
}
