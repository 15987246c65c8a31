/* area/receive.c - the recorder's memory file handed to the target as a descriptor (unix(7),
 * SCM_RIGHTS): a process that has become another user may not open it by its name in /proc.
 *
 * At its first instruction the target is made to connect to a socket of ours, whose name nobody else
 * knows before, and to take what it is sent.
 */
#define _GNU_SOURCE
#include "areas.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/user.h>
#include <unistd.h>

#define RED_ZONE 128

/* What the system calls in the target read and write, below its stack. */
struct letter {
    struct sockaddr_un address;
    struct msghdr message;
    struct iovec part;
    union {
        struct cmsghdr head;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control;
    uint64_t byte;
};

static socklen_t name_it(struct sockaddr_un *address)
{
    uint64_t number[2] = {0};
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (getrandom(number, sizeof number, 0) != sizeof number)
        return 0;
    int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "brkpoint-%llx%llx",
                          (unsigned long long)number[0], (unsigned long long)number[1]);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

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

/* The target has connected: the file for it, and for nobody else. */
static bool answer(int listening, pid_t pid, int fd)
{
    struct ucred who;
    socklen_t size = sizeof who;
    int to = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    bool done = to >= 0 && getsockopt(to, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
                who.pid == pid && send_file(to, fd);
    if (to >= 0)
        close(to);
    return done;
}

static int64_t call(struct process *p, long number, uint64_t a, uint64_t b, uint64_t c)
{
    int64_t result = -EIO;
    const uint64_t arguments[6] = {a, b, c};
    if (!tracee_syscall(&p->tracee, number, arguments, NULL, 0, &result))
        return -EIO;
    return result;
}

/* With `letter` at `place` in the target. */
static int64_t take(struct host *h, struct process *p, int listening, uint64_t place,
                    socklen_t size)
{
    int32_t fd = -1;
    int64_t from = call(p, SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (from < 0)
        return from;
    int64_t result = call(p, SYS_connect, (uint64_t)from, place, size);
    if (result == 0 && !answer(listening, p->tracee.pid, h->area_fd))
        result = -EACCES;
    if (result == 0)
        result = call(p, SYS_recvmsg, (uint64_t)from, place + offsetof(struct letter, message),
                      MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (result == 1 &&
        !tracee_read(&p->tracee, place + offsetof(struct letter, control) + CMSG_LEN(0), &fd,
                     sizeof fd))
        result = -EIO;
    call(p, SYS_close, (uint64_t)from, 0, 0);
    return result == 1 ? fd : result < 0 ? result : -EIO;
}

static int listen_at(const struct sockaddr_un *address, socklen_t size)
{
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listening >= 0 && size > 0 && bind(listening, (const void *)address, size) == 0 &&
        listen(listening, 1) == 0)
        return listening;
    if (listening >= 0)
        close(listening);
    return -1;
}

int64_t area_receive(struct host *h, struct process *p)
{
    struct user_regs_struct regs;
    struct letter letter = {0}, under;
    struct tracee *t = &p->tracee;
    socklen_t size = name_it(&letter.address);
    int listening = listen_at(&letter.address, size);
    if (listening < 0 || ptrace(PTRACE_GETREGS, t->pid, 0, &regs) != 0)
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
        fd = take(h, p, listening, place, size);
        tracee_write(t, place, &under, sizeof under);
    }
    close(listening);
    return fd;
}
