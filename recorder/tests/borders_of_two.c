/* borders_of_two.c - the borders of processes at the same addresses (host/phases/borders.c): the slots of one's
 * initialisers are nobody else's. Three children of this program stand still: in two the first
 * initialiser is waited for, at one address. Prints after each step what stands in the slots and which
 * phases they are in, and last how each began.
 */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include "host/area/areas.h"
#include "host/process/families.h"
#include "host/phases/borders.h"
#include "host/plant/hooks.h"
#include "host/say.h"

#include <assert.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 3 };
static struct host host;
static struct process processes[COUNT];
static struct family families[COUNT];
static struct module modules[COUNT], *lists[COUNT];
static uint64_t slot, original;

/* ---- what say.c would do ---- */

void say_note(struct host *h, const char *format, ...)
{
    (void)h, (void)format;
}

void say_unseen(struct host *h, const char *kind, const char *format, ...)
{
    (void)h, (void)kind, (void)format;
}

void say_lost(struct host *h, uint64_t count, const char *reason)
{
    (void)h, (void)count, (void)reason;
}

void say_unfollowed(struct host *h, const struct process *p, const char *program,
                    const char *reason)
{
    (void)h, (void)p, (void)program, (void)reason;
}

static int take(void *owner, enum spool_kind kind, const void *payload, size_t length)
{
    (void)owner, (void)kind, (void)payload, (void)length;
    return 0;
}

/* ---- three processes with one layout ---- */

/* This program, where it lies. */
static int know_program(struct dl_phdr_info *info, size_t size, void *context)
{
    struct module *m = context;
    (void)size;
    *m =
        (struct module){.id = 1, .path = "/program", .bias = info->dlpi_addr, .role = ROLE_LIBRARY};
    m->start = UINT64_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t start = m->bias + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        m->start = start < m->start ? start : m->start;
        m->end = start + segment->p_memsz;
    }
    m->has_elf = elf_open(&m->elf, "/proc/self/exe") == 0;
    return 1; /* the first is the program */
}

static pid_t standing_child(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        raise(SIGSTOP);
        _exit(0);
    }
    waitpid(pid, NULL, WUNTRACED);
    return pid;
}

static void begin(int number, uint64_t area)
{
    struct process *p = &processes[number];
    families[number].area = calloc(1, sizeof *families[number].area);
    lists[number] = &modules[number];
    *p = (struct process){.tracee = {.pid = standing_child(), .mem = -1},
                          .family = &families[number],
                          .modules = &lists[number],
                          .module_count = 1,
                          .base = 1, /* it has a loader */
                          .phase = PHASE_LOAD,
                          .has_begun_image = true,
                          .areas = {{area, area + AGENT_ROOM}}};
    assert(families[number].area != NULL && tracee_open_memory(&p->tracee) == 0);
}

static void tell(const char *step)
{
    printf("%s:", step);
    for (int i = 0; i < COUNT; i++) {
        uint64_t word = 0;
        assert(tracee_read(&processes[i].tracee, slot, &word, sizeof word));
        printf(" %s %s", word == original ? "its own" : "ours",
               processes[i].phase == PHASE_INIT ? "init" : "load");
    }
    puts("");
}

/* How the phase that was told last began. */
static void tell_how(void)
{
    const char *how = strstr(host.json.text, "\"how\":\"");
    assert(how != NULL);
    how += strlen("\"how\":\"");
    printf("%.*s\n", (int)strcspn(how, "\""), how);
}

static void reach_initialiser(struct process *p)
{
    const struct reached reached = {.what = BORDER_INIT | 1 << 8, .hook = NO_HOOK};
    border_reached(&host, p, &reached);
    tell_how();
}

int main(void)
{
    const struct code_head agent = {0};
    uint64_t offset = 0;
    dl_iterate_phdr(know_program, &modules[0]);
    modules[1] = modules[2] = modules[0];
    assert(modules[0].has_elf && elf_dynamic(&modules[0].elf, DT_INIT_ARRAY, &offset));
    slot = modules[0].bias + offset;
    memcpy(&original, (const void *)slot, sizeof original);
    void *area = mmap(NULL, AGENT_ROOM + STUBS_ROOM, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert(area != MAP_FAILED);
    host.spool.fd = -1;
    host.agent = (const unsigned char *)&agent;
    host.history = history_new(take, NULL);
    assert(host.history != NULL);
    for (int i = 0; i < COUNT; i++)
        begin(i, (uint64_t)area);
    for (int i = 0; i < 2; i++)
        borders_watch(&host, &processes[i], &modules[i]);
    tell("armed");
    reach_initialiser(&processes[0]);
    tell("the first");
    reach_initialiser(&processes[1]);
    tell("the second");
    border_start(&host, &processes[2], 1, NO_HOOK); /* of no program that is known */
    tell_how();
    tell("the one that nobody watched");
    for (int i = 0; i < COUNT; i++) {
        kill(processes[i].tracee.pid, SIGKILL);
        waitpid(processes[i].tracee.pid, NULL, 0);
    }
    return 0;
}
