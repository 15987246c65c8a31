/* leaving.c - ending before the target does (leaving.h).
 *
 * brkpoint asks for it by SIGTERM. That it has died is told by the kernel, twice: SIGTERM again
 * (PR_SET_PDEATHSIG, start/recorder.py), and SIGCONT from a pipe that nobody can write to any more.
 * Then nobody waits for what we do, and what takes long is given up: all that is lost are the last
 * moments. The target looks after itself once we are gone.
 */
#define _GNU_SOURCE /* F_SETSIG */
#include "leaving.h"
#include "base/hold.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#define ALONE_MS 500     /* for the rest of the records */
#define ATTACHED_MS 5000 /* code is to come out of a process that runs on */
#define HOLDING_MS 10000 /* beyond that, while a thread stands and is being changed */

static struct host *host;
static int go_end;

static bool brkpoint_lives(void)
{
    struct pollfd pipe = {go_end, 0, 0};
    return poll(&pipe, 1, 0) == 0;
}

static void alarm_in(int ms)
{
    const struct itimerval timer = {{0, 0}, {ms / 1000, ms % 1000 * 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void leave(int number)
{
    (void)number;
    if (!host->orphaned && !brkpoint_lives()) {
        host->orphaned = 1;
        alarm_in(host->attached ? ATTACHED_MS : ALONE_MS);
    }
    host->left_alone = 1;
}

/* From the pipe, which a stopped process must hear as well; or only from whoever had stopped us. */
static void look_for_brkpoint(int number)
{
    if (!brkpoint_lives())
        leave(number);
}

static void give_up(int number)
{
    (void)number;
    hold_or_exit();
    alarm_in(HOLDING_MS);
}

void leaving_begin(struct host *h, int go)
{
    host = h;
    go_end = go;
    signal(SIGALRM, give_up);
    signal(SIGTERM, leave);
    signal(SIGCONT, look_for_brkpoint);
    fcntl(go, F_SETOWN, getpid());
    fcntl(go, F_SETSIG, SIGCONT);
    fcntl(go, F_SETFL, O_ASYNC);
    if (!brkpoint_lives())
        raise(SIGTERM);
}

void leaving_as_heir(void)
{
    host->leaving = true; /* whoever execs now is nobody's tracee */
    host->left_alone = 1;
    host->orphaned = 0; /* timers die with their process: ours is set anew */
    fcntl(go_end, F_SETOWN, getpid());
    look_for_brkpoint(SIGCONT);
}
