/* main.c - the recorder outside the target: plants the agent before the first instruction of each
 * program, then takes out what it records, until the process has ended.
 *
 * Started by brkpoint (start/recorder.py): brkpoint-recorder PID SPOOL AREA_FD READY_FD GO_FD
 * [OPTION...]. It waits for a byte on GO_FD, becomes the tracer of PID, and writes "A" to READY_FD, and
 * from then on "W" whenever it has done some more work.
 * Or, when that one was killed: brkpoint-recorder --unread AREA_FD (unread.h). And, as what becomes
 * the target: brkpoint-recorder --start PLAN_FD GO_FD REPORT_FD PARENT (starter.h).
 */
#include "base/guard.h"
#include "program/image.h"
#include "heir.h"
#include "leaving.h"
#include "turn/rest.h"
#include "starter.h"
#include "drain/unread.h"
#include "attach/attach.h"
#include "process/processes.h"
#include "loop.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

extern const unsigned char agent_begin[], agent_finish[];

#define NOT_PLANTED 4 /* exit status: start/recorder.py */

static struct host host;

static void announce_run(struct host *h, const struct process *first)
{
    h->started_ns = h->last_ns = clock_now_ns();
    json_begin(&h->json, "run");
    json_number(&h->json, "pid", (uint64_t)first->tracee.pid);
    json_text(&h->json, "engine", "recorder");
    json_number(&h->json, "started_ns", h->started_ns);
    json_number(&h->json, "clock_every", h->clock_every);
    json_text(&h->json, "keep", h->keeps_totals ? "totals" : "all");
    if (h->attached)
        json_text(&h->json, "mode", "attached");
    spool_json(&h->spool, &h->json);
    history_start(h->history, pid_of(first), h->started_ns);
    if (h->keeps_totals)
        history_keep_totals(h->history);
}

static void tell_troubles(struct host *h)
{
    static const char *const what[TROUBLES] = {
        "more threads at one moment than there is room for: those beyond were not seen",
        "no room in the ring",
    };
    for (int i = 0; i < TROUBLES; i++)
        if (h->trouble[i] != 0)
            say_lost(h, h->trouble[i], what[i]);
}

static void announce_end(struct host *h)
{
    tell_troubles(h);
    json_begin(&h->json, "cost");
    json_number(&h->json, "stops", 0);
    json_number(&h->json, "engine_ns", h->held_ns);
    json_number(&h->json, "longest_ns", h->longest_ns);
    json_number(&h->json, "searched", h->known.searched);
    json_number(&h->json, "searched_standing", h->searched_standing);
    json_number(&h->json, "asks", h->ask_count);
    json_number(&h->json, "waits", h->waits);
    json_number(&h->json, "walks", h->misses);
    json_number(&h->json, "remembered", h->hits);
    json_number(&h->json, "told", h->told);
    json_number(&h->json, "cut", h->cut);
    if (h->checked[0] + h->checked[1] != 0) { /* an agent that is built to be tested */
        json_number(&h->json, "checked", h->checked[0] + h->checked[1]);
        json_number(&h->json, "wrong", h->checked[0]);
    }
    spool_json(&h->spool, &h->json);
    if (!h->has_end_state) {
        json_begin(&h->end_state, "end");
        json_text(&h->end_state, "kind", "exited");
        json_number(&h->end_state, "t_ns", clock_now_ns());
    }
    if (!h->left_alone || h->attached)
        spool_json(&h->spool, &h->end_state);
    history_finish(h->history);
    spool_close(&h->spool);
}

static int fail(const char *what)
{
    fprintf(stderr, "brkpoint-recorder: %s: %s\n", what, strerror(errno));
    return 3;
}

static int keep_record(void *owner, enum spool_kind kind, const void *payload, size_t length)
{
    struct spool *spool = owner;
    spool_record(spool, kind, payload, length);
    return spool->error == 0 ? 0 : -1;
}

/* A byte for who waits: one that does not look in time needs no second one. */
static void at_work(void *owner)
{
    (void)owner;
    if (write(host.ready_fd, "W", 1) != 1)
        return;
}

/* The data areas: zeros in them would be events that nobody misses. */
static bool is_shared(uint64_t address)
{
    for (unsigned i = 0; i < host.family_top; i++)
        if (host.families[i].area && address - (uint64_t)host.families[i].area < AREA_SIZE)
            return true;
    return false;
}

static bool prepare(struct host *h)
{
    h->agent = agent_begin;
    h->agent_size = (size_t)(agent_finish - agent_begin);
    h->history = history_new(keep_record, &h->spool);
    h->families = calloc(MAX_FAMILIES, sizeof *h->families);
    h->next_module = h->next_hook = 1;
    return h->history && h->families && stacks_begin(&h->stacks) &&
           ftruncate(h->area_fd, (off_t)MEMORY_SIZE) == 0 &&
           (h->ledger = unread_ledger(h->area_fd)) != NULL;
}

static int run(struct host *h, const char *spool, pid_t pid, int ready, int go)
{
    char byte;
    if (read(go, &byte, 1) != 1)
        return 0; /* brkpoint changed its mind */
    leaving_begin(h, go);
    struct process *first = process_first(h, pid);
    if (first == NULL || first->family == NULL)
        return fail("memory");
    if (first->pidfd < 0) {
        fputs("brkpoint-recorder: pidfd_open(2), which the recorder needs, is refused here\n",
              stderr);
        return 3;
    }
    if (!h->attached && tracee_seize(&first->tracee, pid) != 0)
        return fail("ptrace");
    if (spool_create(&h->spool, spool) != 0)
        return fail(spool);
    clock_begin(&h->clock);
    first->has_begun_image = true;
    if (h->attached) {
        announce_run(h, first);
        if (!image_attach(h, first)) {
            fprintf(stderr, "brkpoint-recorder: %s\n", first->problem);
            return 3;
        }
        if (write(ready, "A", 1) != 1)
            h->left_alone = 1;
    } else {
        if (write(ready, "A", 1) != 1 || !tracee_wait_exec(&first->tracee))
            return 0; /* the exec failed: brkpoint knows why */
        announce_run(h, first);
        image_begin(h, first);
        if (h->may_refuse && first->problem[0] != 0) {
            fprintf(stderr, "%s\n", first->problem);
            return NOT_PLANTED;
        }
    }
    fcntl(ready, F_SETFL, O_NONBLOCK);
    h->ready_fd = ready;
    history_tell_work(h->history, at_work);
    heir_make(leaving_as_heir);
    host_loop(h);
    if (guard_pages() > 0)
        say_unseen(h, "hook",
                   "a file was cut off while it was read: not all of its calls are seen");
    announce_end(h);
    heir_dismiss();
    findings_store_all(&h->known);
    if (h->spool.error != 0) {
        errno = h->spool.error;
        return fail("cannot write the spool");
    }
    return 0;
}

/* What brkpoint has set for itself is undone; when it dies we let go of what runs on, and end. Done
 * here and not between its fork and our exec: so it can be a vfork, which copies nothing. */
static bool begin_as_child_of(pid_t parent)
{
    sigset_t mask;
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    umask(077);
    if (chdir("/") != 0) /* no folder of the user's is held */
        return false;
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGXFSZ, SIG_IGN); /* a full file is an error to report */
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    return getppid() == parent;
}

int main(int argc, char **argv)
{
    struct host *h = &host;
    int names = -1;
    if (argc == 3 && strcmp(argv[1], "--unread") == 0)
        return unread_tell(atoi(argv[2]));
    if (argc == 6 && strcmp(argv[1], "--start") == 0)
        return starter_run(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
    if (argc < 6) {
        fprintf(stderr,
                "brkpoint-recorder is started by brkpoint: brkpoint run --engine recorder\n");
        return 2;
    }
    h->area_fd = atoi(argv[3]);
    h->use_symbols = true;
    h->clock_every = 16;
    for (int i = 6; i < argc; i++) {
        if (strcmp(argv[i], "no-symbols") == 0)
            h->use_symbols = false;
        else if (strcmp(argv[i], "attach") == 0)
            h->attached = true;
        else if (strcmp(argv[i], "may-refuse") == 0)
            h->may_refuse = true;
        else if (strncmp(argv[i], "clock=", 6) == 0)
            h->clock_every = (uint32_t)atoi(argv[i] + 6);
        else if (strncmp(argv[i], "names=", 6) == 0)
            names = atoi(argv[i] + 6);
        else if (strncmp(argv[i], "parent=", 7) == 0 && !begin_as_child_of(atoi(argv[i] + 7)))
            return 1;
        else if (strncmp(argv[i], "cache=", 6) == 0)
            h->known.folder = argv[i] + 6;
        else if (strcmp(argv[i], "keep=totals") == 0)
            h->keeps_totals = true;
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 17); /* most of a large table of zeros is never touched */
    mallopt(M_TRIM_THRESHOLD, 1 << 24); /* what one child's tables held is for the next one's */
    if (!h->use_symbols)
        h->known.folder = NULL; /* what is found without debug files may be less */
    signal(SIGPIPE, SIG_IGN);
    guard_begin(is_shared);
    rest_prepare();
    if (!prepare(h))
        return fail("memory");
    if (!watched_read(&h->watched, names))
        return fail("the list of allocator functions");
    return run(h, argv[2], (pid_t)atoi(argv[1]), atoi(argv[4]), atoi(argv[5]));
}
