/* thread_names.c - what threads are called, as they end: budgets have rules about them. */
#include "thread_names.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOLD 20000 /* alloctrace/inforecords.py, MAX_LISTED: more are not kept */
#define MOST 4096       /* threads of a process that ends; each costs it a look into /proc */

void thread_named(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns,
                  const char name[THREAD_NAME])
{
    char text[THREAD_NAME];
    memcpy(text, name, sizeof text - 1); /* of the target's memory */
    text[sizeof text - 1] = 0;
    if (*text == 0 || h->names_told == MOST_TOLD)
        return;
    h->names_told++;
    json_begin(&h->json, "thread_name");
    json_number(&h->json, "pid", pid);
    json_number(&h->json, "tid", tid);
    json_number(&h->json, "t_ns", t_ns);
    json_text(&h->json, "name", text);
    spool_json(&h->spool, &h->json);
}

void thread_named_now(struct host *h, uint32_t pid, uint32_t tid, uint64_t t_ns)
{
    char path[64], name[THREAD_NAME + 1] = "";
    snprintf(path, sizeof path, "/proc/%u/task/%u/comm", pid, tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    size_t got = fread(name, 1, THREAD_NAME, file);
    fclose(file);
    if (got > 0 && name[got - 1] == '\n')
        name[got - 1] = 0;
    thread_named(h, pid, tid, t_ns, name);
}

void threads_named(struct host *h, uint32_t pid, uint64_t t_ns)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%u/task", pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    for (unsigned seen = 0; folder != NULL && seen < MOST && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            thread_named_now(h, pid, (uint32_t)strtoul(entry->d_name, NULL, 10), t_ns);
            seen++;
        }
    if (folder != NULL)
        closedir(folder);
}
