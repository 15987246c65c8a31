/* thread_names.c - what threads are called, as they end: budgets have rules about them. */
#include "thread_names.h"
#include "base/grow.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

#define MOST 4096 /* threads of a process that ends; each costs it a look into /proc */

void thread_named(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns,
                  const char name[THREAD_NAME])
{
    char text[THREAD_NAME];
    memcpy(text, name, sizeof text - 1); /* of the target's memory */
    text[sizeof text - 1] = 0;
    if (*text == 0 || h->names_told == MAX_LISTED)
        return;
    h->names_told++;
    json_begin(&h->json, "thread_name");
    json_number(&h->json, "pid", pid);
    json_number(&h->json, "tid", tid);
    json_number(&h->json, "t_ns", t_ns);
    json_text(&h->json, "name", text);
    spool_json(&h->spool, &h->json);
}

static bool look(uint32_t pid, uint32_t tid, char name[THREAD_NAME + 1])
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%u/task/%u/comm", pid, tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t got = fread(name, 1, THREAD_NAME, file);
    fclose(file);
    name[got > 0 && name[got - 1] == '\n' ? got - 1 : got] = 0;
    return true;
}

void thread_named_now(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns)
{
    char name[THREAD_NAME + 1];
    if (look(pid, tid, name))
        thread_named(h, pid, tid, t_ns, name);
}

/* ---- all of a process ---- */

struct named {
    uint32_t tid;
    char name[THREAD_NAME + 1];
};

/* Of a process: their number; *list is to be freed. */
static size_t look_at_all(uint32_t pid, struct named **list)
{
    char path[32];
    size_t count = 0, room = 0;
    snprintf(path, sizeof path, "/proc/%u/task", pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    *list = NULL;
    while (folder != NULL && count < MOST && (entry = readdir(folder)) != NULL) {
        struct named *longer = with_room_for_one(*list, count, &room, 16, sizeof *longer);
        if (longer == NULL)
            break;
        *list = longer;
        longer[count].tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
        count += entry->d_name[0] != '.' && look(pid, longer[count].tid, longer[count].name);
    }
    if (folder != NULL)
        closedir(folder);
    return count;
}

static void tell(struct host *h, uint32_t pid, uint64_t t_ns, const struct named *list,
                 size_t count)
{
    for (size_t i = 0; i < count; i++)
        thread_named(h, pid, list[i].tid, t_ns, list[i].name);
}

void threads_named(struct host *h, uint32_t pid, uint64_t t_ns)
{
    struct named *list;
    size_t count = look_at_all(pid, &list);
    tell(h, pid, t_ns, list, count);
    free(list);
}

/* ---- whose process may exec ---- */

struct exec_names {
    unsigned execs; /* of its threads, begun and not over */
    size_t count;
    struct named *list;
};

static bool is_thread_of(const struct process *p, pid_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d", p->tracee.pid, tid);
    return access(path, F_OK) == 0;
}

void names_exec_begins(struct process *p, pid_t tid)
{
    if (!is_thread_of(p, tid))
        return;
    if (p->exec_names == NULL && (p->exec_names = calloc(1, sizeof *p->exec_names)) == NULL)
        return;
    struct exec_names *names = p->exec_names;
    free(names->list);
    names->execs++;
    names->count = look_at_all((uint32_t)p->tracee.pid, &names->list);
}

void names_exec_fails(struct process *p, pid_t tid)
{
    if (p->exec_names != NULL && is_thread_of(p, tid) && --p->exec_names->execs == 0)
        names_forget(p);
}

void names_tell(struct host *h, struct process *p)
{
    if (p->exec_names != NULL)
        tell(h, (uint32_t)p->tracee.pid, h->last_ns, p->exec_names->list, p->exec_names->count);
    names_forget(p);
}

void names_forget(struct process *p)
{
    if (p->exec_names != NULL)
        free(p->exec_names->list);
    free(p->exec_names);
    p->exec_names = NULL;
}
