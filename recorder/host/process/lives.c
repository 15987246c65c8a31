/* lives.c - how processes begin and end, as the spool tells it: their programs with the words that
 * they were given, their parents, their exit statuses. */
#define _GNU_SOURCE
#include "lives.h"
#include "phases/phases.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_ROOM 4096

/* Linux 6.15, uapi/linux/pidfd.h: what a process that is gone left, also when others waited for it. */
struct pidfd_facts {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ids[8];
    int32_t exit_code;
};
#define FACTS_EXIT (UINT64_C(1) << 3)
#define GET_FACTS _IOWR(0xFF, 11, struct pidfd_facts)

/* The words of its command, or what it made of them (setproctitle): each ends in a NUL. */
static size_t read_command(pid_t pid, char *words)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(words, 1, COMMAND_ROOM - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    while (got > 1 && words[got - 1] == 0 && words[got - 2] == 0)
        got--; /* a title is padded with NULs */
    if (got > 0 && words[got - 1] != 0)
        words[got++] = 0;
    return got;
}

static void add_command(struct json *json, pid_t pid)
{
    char words[COMMAND_ROOM];
    json_texts(json, "command", words, read_command(pid, words));
}

void life_image(struct host *h, struct process *p, uint64_t t_ns)
{
    json_begin(&h->json, "image");
    json_number(&h->json, "index", p->image);
    json_number(&h->json, "pid", pid_of(p));
    json_text(&h->json, "path", p->executable ? p->executable : "");
    add_command(&h->json, p->tracee.pid);
    json_number(&h->json, "entry", p->entry);
    json_number(&h->json, "t_ns", t_ns);
    spool_json(&h->spool, &h->json);
    p->exits = p->has_exited = false;
}

void life_child(struct host *h, const struct process *child, pid_t parent)
{
    struct history_copies copies = history_copies(h->history, (uint32_t)child->tracee.pid);
    uint64_t now = clock_now_ns(); /* events without a time stamp may be placed behind it */
    json_begin(&h->json, "child");
    json_number(&h->json, "pid", (uint64_t)child->tracee.pid);
    json_number(&h->json, "parent", (uint64_t)parent);
    json_number(&h->json, "image", child->image);
    json_number(&h->json, "t_ns", h->last_ns < now ? h->last_ns : now);
    json_number(&h->json, "copied_blocks", copies.blocks);
    json_number(&h->json, "copied_bytes", copies.bytes);
    spool_json(&h->spool, &h->json);
}

static void begin_of(const struct process *p, struct json *json, const char *type, uint64_t t_ns)
{
    json_begin(json, type);
    json_number(json, "pid", pid_of(p));
    json_number(json, "image", p->image);
    json_number(json, "t_ns", t_ns);
}

/* The end of the process that brkpoint started, which waits for it, is the end of the run. */
static void end_of_run(struct host *h, const struct process *p, uint64_t t_ns,
                       const struct maps *known)
{
    json_begin(&h->end_state, "end");
    json_text(&h->end_state, "kind", "exited");
    json_number(&h->end_state, "t_ns", t_ns);
    phase_state(p, &h->end_state, known);
    h->has_end_state = true;
}

void life_exits(struct host *h, struct process *p, uint64_t t_ns, int status, bool whole,
                const struct maps *known)
{
    p->exit_status = status;
    p->exits = whole;
    p->has_exited = true;
    if (p->has_begun_image)
        phase_exit(h, p, t_ns, whole);
    if (p->tracee.pid == h->first)
        end_of_run(h, p, t_ns, known);
    begin_of(p, &h->json, "exit", t_ns);
    add_command(&h->json, p->tracee.pid);
    if (p->has_begun_image && p->tracee.pid != h->first)
        phase_state(p, &h->json, known);
    spool_json(&h->spool, &h->json);
}

/* ---- the end ---- */

bool life_is_over(const struct process *p)
{
    struct pollfd wait = {p->pidfd, POLLIN, 0};
    return p->pidfd < 0 || poll(&wait, 1, 0) == 1;
}

/* As wait(2) gives it. False: nobody has waited for it yet, or this kernel does not say. */
static bool status_by_pidfd(int pidfd, int *status)
{
    struct pidfd_facts facts = {.mask = FACTS_EXIT};
    bool known = ioctl(pidfd, GET_FACTS, &facts) == 0 && (facts.mask & FACTS_EXIT);
    *status = facts.exit_code;
    return known;
}

/* Of one that nobody has waited for yet: the last field of /proc/PID/stat, proc(5). */
static bool status_by_stat(const struct process *p, int *status)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", p->tracee.pid);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[got] = 0;
    const char *behind = strrchr(text, ')'), *last = strrchr(text, ' ');
    bool is_zombie = behind != NULL && behind[1] == ' ' && behind[2] == 'Z';
    /* and still the same one: its number may have gone to another */
    return is_zombie && last != NULL && sscanf(last, "%d", status) == 1 &&
           syscall(SYS_pidfd_send_signal, p->pidfd, 0, NULL, 0) == 0;
}

bool life_status(const struct process *p, int *status)
{
    return status_by_stat(p, status) || status_by_pidfd(p->pidfd, status);
}

static void add_end(struct json *json, const struct process *p)
{
    int status;
    bool known = life_status(p, &status);
    if (known && WIFSIGNALED(status)) {
        json_text(json, "kind", "signalled");
        json_number(json, "status", (uint64_t)WTERMSIG(status));
    } else if (p->exits || (known && WIFEXITED(status))) {
        json_text(json, "kind", "exited");
        json_number(json, "status", (uint64_t)(p->exits ? p->exit_status : WEXITSTATUS(status)));
    } else {
        json_text(json, "kind", "unknown");
    }
}

void life_ends(struct host *h, struct process *p)
{
    begin_of(p, &h->json, "ended", clock_now_ns());
    if (life_is_over(p)) {
        add_end(&h->json, p);
    } else {
        json_text(&h->json, "kind", "running");
        add_command(&h->json, p->tracee.pid);
    }
    spool_json(&h->spool, &h->json);
}
