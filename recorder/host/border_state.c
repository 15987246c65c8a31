/* border_state.c - what /proc says of a process at a border, without what is the recorder's own. */
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool is_ours(const struct host *h, const struct process *p, uint64_t start)
{
    (void)h;
    if (start >= p->area && start < p->area + AREA_SIZE)
        return true;
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (p->areas[i].address && start >= p->areas[i].address &&
            start < p->areas[i].stubs + (uint64_t)MAX_HOOKS * STUB_SIZE + IDENTITY_SIZE)
            return true;
    return false;
}

static bool read_line(pid_t pid, const char *name, char *text, size_t room)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(text, 1, room - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[got] = 0;
    return got > 0;
}

static void add_faults(struct host *h, struct json *json)
{
    char text[1024];
    unsigned long minor = 0, major = 0;
    const char *behind;
    if (read_line(h->process->tracee.pid, "stat", text, sizeof text) &&
        (behind = strrchr(text, ')')) != NULL &&
        sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu", &minor, &major) == 2) {
        json_number(json, "minor_faults", minor);
        json_number(json, "major_faults", major);
    }
}

/* Returns the program break. */
static uint64_t add_mappings(struct host *h, struct json *json, const struct maps *maps,
                             uint64_t mapped)
{
    size_t count = 0;
    uint64_t heap = 0;
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *m = &maps->list[i];
        if (strcmp(m->path, "[heap]") == 0 && heap == 0)
            heap = m->end;
        if (is_ours(h, h->process, m->start))
            mapped -= m->end - m->start;
        else
            count++;
    }
    json_number(json, "mapped_bytes", mapped);
    if (heap)
        json_number(json, "brk", heap);
    json_number(json, "mappings", count);
    return heap ? heap : HISTORY_UNKNOWN;
}

static uint64_t own_resident(const struct host *h, const struct maps *maps)
{
    uint64_t total = 0;
    for (size_t i = 0; i < maps->count; i++)
        total += is_ours(h, h->process, maps->list[i].start) ? maps->list[i].resident : 0;
    return total;
}

uint64_t border_state(struct host *h, struct json *json)
{
    char text[256];
    struct maps maps;
    unsigned long total = 0, resident = 0;
    maps_read_resident(&maps, h->process->tracee.pid);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), own = own_resident(h, &maps);
    if (read_line(h->process->tracee.pid, "statm", text, sizeof text))
        sscanf(text, "%lu %lu", &total, &resident);
    json_number(json, "rss_bytes", resident * page > own ? resident * page - own : 0);
    add_faults(h, json);
    uint64_t heap = add_mappings(h, json, &maps, total * page);
    maps_free(&maps);
    return heap;
}
