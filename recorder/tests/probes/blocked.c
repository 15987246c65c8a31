/* blocked.c FILE: one thread in each of many system calls that wait. None may be told of a signal
 * that there was none, nor wake early or much too late. */
#define _GNU_SOURCE
#include "attached.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#define NAP_MS 2000
#define LATE_MS 2000 /* as long as a busy machine may take to wake a thread */
#define STALL_MS 100 /* a millisecond's rest that took longer: nobody ran */

static int pipes[2], watched, queue, semaphore;
static uint64_t stalled_ms; /* in all, as main has seen it */
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static int in_read(void)
{
    char byte;
    return read(pipes[0], &byte, 1) == -1;
}

static int in_inotify(void)
{
    char event[4096];
    return read(watched, event, sizeof event) == -1;
}

static int in_poll(void)
{
    struct pollfd wait = {pipes[0], POLLIN, 0};
    return poll(&wait, 1, -1) == -1;
}

static int in_epoll(void)
{
    struct epoll_event event;
    return epoll_wait(queue, &event, 1, -1) == -1;
}

static int in_semaphore(void)
{
    struct sembuf down = {0, -1, 0};
    return semop(semaphore, &down, 1) == -1;
}

static int in_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    return sigwaitinfo(&set, NULL) == -1;
}

static int in_mutex(void)
{
    return pthread_mutex_lock(&held) != 0;
}

static int in_futex(void)
{
    static int word;
    return syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0) == -1 && errno != EAGAIN;
}

/* Sockets with a time limit: an hour, which none of these reaches. */
static void limit(int fd)
{
    struct timeval hour = {3600, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &hour, sizeof hour);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &hour, sizeof hour);
}

/* Nothing can be read from it, nor written to it. */
static int full(void)
{
    int pair[2] = {-1, -1};
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    while (send(pair[0], "", 1, MSG_DONTWAIT) == 1)
        ;
    limit(pair[0]);
    return pair[0];
}

static int in_write(void)
{
    return write(full(), "", 1) == -1;
}

static int in_sendmsg(void)
{
    struct iovec part = {"", 1};
    struct msghdr all = {.msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(full(), &all, 0) == -1;
}

static int in_readv(void)
{
    char byte;
    struct iovec part = {&byte, 1};
    return readv(full(), &part, 1) == -1;
}

static int in_connect(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof name.sun_family;
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = -1;
    if (bind(server, (struct sockaddr *)&name, size) != 0 || listen(server, 0) != 0)
        return 1;
    size = sizeof name;
    getsockname(server, (struct sockaddr *)&name, &size);
    do {
        client = socket(AF_UNIX, SOCK_STREAM, 0);
        limit(client);
    } while (connect(client, (struct sockaddr *)&name, size) == 0);
    return 1;
}

/* By itself each of these is over after NAP_MS. */
static int in_sleep(void)
{
    struct timespec nap = {NAP_MS / 1000, NAP_MS % 1000 * 1000000L};
    return nanosleep(&nap, NULL) != 0;
}

static int in_timed_poll(void)
{
    struct pollfd wait = {pipes[0], POLLIN, 0};
    return poll(&wait, 1, NAP_MS) != 0;
}

static int in_select(void)
{
    struct timeval nap = {NAP_MS / 1000, NAP_MS % 1000 * 1000};
    return select(0, NULL, NULL, NULL, &nap) != 0;
}

static int in_timed_futex(void)
{
    static int word;
    struct timespec nap = {NAP_MS / 1000, NAP_MS % 1000 * 1000000L};
    return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &nap, NULL, 0) != -1 || errno != ETIMEDOUT;
}

static int in_timed_epoll(void)
{
    struct epoll_event event;
    return epoll_wait(queue, &event, 1, NAP_MS) != 0;
}

typedef int wait_for(void);
static wait_for *const without_end[] = {in_read,      in_inotify, in_poll,  in_epoll,
                                        in_semaphore, in_signals, in_mutex, in_futex,
                                        in_write,     in_sendmsg, in_readv, in_connect};
static wait_for *const naps[] = {in_sleep, in_timed_poll, in_select, in_timed_futex};

static void *wait_once(void *call)
{
    wait_for *const *which = call;
    (*which)();
    count(&page->wrong); /* whatever it returned: nothing has happened that ends it */
    return NULL;
}

/* The kernel keeps the moment when these end; attached to or not. */
static void *nap(void *call)
{
    wait_for *const *which = call;
    while (!page->end) {
        uint64_t begun = now_ns(), before = __atomic_load_n(&stalled_ms, __ATOMIC_RELAXED);
        int failed = (*which)();
        uint64_t took = (now_ns() - begun) / 1000000;
        usleep(2000); /* main tells of a stall after it */
        uint64_t stalled = __atomic_load_n(&stalled_ms, __ATOMIC_RELAXED) - before;
        if (failed || took < NAP_MS || took > NAP_MS + LATE_MS + stalled)
            count(&page->wrong);
        free(malloc(101));
        count(&page->rounds);
    }
    return NULL;
}

/* This one begins anew: it may last longer, but not end early. */
static void *nap_anew(void *unused)
{
    while (!page->end) {
        uint64_t begun = now_ns();
        if (in_timed_epoll() || now_ns() - begun < NAP_MS * UINT64_C(1000000))
            count(&page->wrong);
        count(&page->rounds);
    }
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    sigset_t set;
    (void)argc;
    page_open(argv[1]);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pipe(pipes) != 0 || (watched = inotify_init()) < 0)
        return 1;
    inotify_add_watch(watched, "/dev/null", IN_DELETE_SELF);
    queue = epoll_create1(0);
    semaphore = semget(IPC_PRIVATE, 1, 0600);
    pthread_mutex_lock(&held);
    for (size_t i = 0; i < sizeof without_end / sizeof *without_end; i++)
        pthread_create(&thread, NULL, wait_once, (void *)&without_end[i]);
    for (size_t i = 0; i < sizeof naps / sizeof *naps; i++)
        pthread_create(&thread, NULL, nap, (void *)&naps[i]);
    pthread_create(&thread, NULL, nap_anew, NULL);
    page->pid = (uint64_t)getpid();
    while (!page->end) {
        uint64_t begun = now_ns();
        usleep(1000);
        uint64_t took = (now_ns() - begun) / 1000000;
        if (took > STALL_MS)
            __atomic_fetch_add(&stalled_ms, took, __ATOMIC_RELAXED);
    }
    int status = page->wrong ? 3 : 7;
    semctl(semaphore, 0, IPC_RMID); /* that ends a wait */
    return status;
}
