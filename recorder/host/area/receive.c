/* area/receive.c - the recorder's memory file handed to the target as a descriptor (unix(7),
 * SCM_RIGHTS): a process that has become another user, or sees another /proc, may not open it by its
 * name there.
 *
 * At its first instruction the target is made to make a pair of sockets, of which we take one
 * (pidfd_getfd(2), Linux 5.6), and to take what it is sent by the other: no name is needed, which
 * would have to mean the same in all namespaces.
 */
#define _GNU_SOURCE
#include "areas.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <unistd.h>

#define RED_ZONE 128

/* What the system calls in the target read and write, below its stack. */
struct letter {
    int32_t pair[2];
    struct msghdr message;
    struct iovec part;
    union {
        struct cmsghdr head;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control;
    uint64_t byte;
};

static bool send_file(int to, int fd)
{
    struct letter letter = {0};
    letter.part = (struct iovec){&letter.byte, 1};
    struct msghdr message = {.msg_iov = &letter.part,
                             .msg_iovlen = 1,
                             .msg_control = &letter.control,
                             .msg_controllen = sizeof letter.control};
    letter.control.head = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&letter.control.head), &fd, sizeof fd);
    return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* By the target's end of a pair that it has made. */
static bool send_to_other(const struct process *p, int32_t end, int fd)
{
    int to = (int)syscall(SYS_pidfd_getfd, p->pidfd, end, 0);
    bool done = to >= 0 && send_file(to, fd);
    if (to >= 0)
        close(to);
    return done;
}

static int64_t call(struct process *p, long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    int64_t result = -EIO;
    const uint64_t arguments[6] = {a, b, c, d};
    if (!tracee_syscall(&p->tracee, number, arguments, NULL, 0, &result))
        return -EIO;
    return result;
}

/* With `letter` at `place` in the target. */
static int64_t take(struct host *h, struct process *p, uint64_t place)
{
    int32_t fd = -1, pair[2];
    int64_t result = call(p, SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
                          place + offsetof(struct letter, pair));
    if (result < 0)
        return result;
    if (!tracee_read(&p->tracee, place + offsetof(struct letter, pair), pair, sizeof pair))
        return -EIO;
    if (send_to_other(p, pair[1], h->area_fd))
        result = call(p, SYS_recvmsg, (uint64_t)pair[0], place + offsetof(struct letter, message),
                      MSG_CMSG_CLOEXEC | MSG_DONTWAIT, 0);
    else
        result = -EACCES;
    if (result == 1 &&
        !tracee_read(&p->tracee, place + offsetof(struct letter, control) + CMSG_LEN(0), &fd,
                     sizeof fd))
        result = -EIO;
    for (int i = 0; i < 2; i++)
        call(p, SYS_close, (uint64_t)pair[i], 0, 0, 0);
    return result == 1 ? fd : result < 0 ? result : -EIO;
}

int64_t area_receive(struct host *h, struct process *p)
{
    struct user_regs_struct regs;
    struct letter letter = {0}, under;
    struct tracee *t = &p->tracee;
    if (ptrace(PTRACE_GETREGS, t->pid, 0, &regs) != 0)
        return -EIO;
    uint64_t place = (regs.rsp - RED_ZONE - sizeof letter) & ~UINT64_C(15);
    letter.part = (struct iovec){(void *)(place + offsetof(struct letter, byte)), 1};
    letter.message =
        (struct msghdr){.msg_iov = (void *)(place + offsetof(struct letter, part)),
                        .msg_iovlen = 1,
                        .msg_control = (void *)(place + offsetof(struct letter, control)),
                        .msg_controllen = sizeof letter.control};
    int64_t fd = -EIO;
    if (tracee_read(t, place, &under, sizeof under) &&
        tracee_write(t, place, &letter, sizeof letter)) {
        fd = take(h, p, place);
        tracee_write(t, place, &under, sizeof under);
    }
    return fd;
}
