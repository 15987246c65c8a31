/* phases/state.c - what /proc says of a process where a phase begins, without what is the recorder's own. */
#include "host.h"
#include "code/branches.h"
#include "proc/resident.h"
#include "phases.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Addresses that are the recorder's own in a process: how many ranges. */
static unsigned our_ranges(const struct process *p, struct range ours[1 + MAX_AREAS])
{
    unsigned count = 0;
    if (p->area)
        ours[count++] = (struct range){p->area, p->area + AREA_SIZE, false};
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (p->areas[i].address)
            ours[count++] = (struct range){p->areas[i].address, p->areas[i].end, false};
    return count;
}

bool is_ours(const struct process *p, uint64_t start)
{
    struct range ours[1 + MAX_AREAS];
    bool is = false;
    for (unsigned i = our_ranges(p, ours); i-- > 0;)
        is |= start >= ours[i].low && start < ours[i].high;
    return is;
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

static void add_faults(const struct process *p, struct json *json)
{
    char text[1024];
    unsigned long minor = 0, major = 0;
    const char *behind;
    if (read_line(p->tracee.pid, "stat", text, sizeof text) &&
        (behind = strrchr(text, ')')) != NULL &&
        sscanf(behind + 1, " %*c %*d %*d %*d %*d %*d %*u %lu %*u %lu", &minor, &major) == 2) {
        json_number(json, "minor_faults", minor);
        json_number(json, "major_faults", major);
    }
}

/* Returns the program break. */
static uint64_t add_mappings(const struct process *p, struct json *json, const struct maps *maps,
                             uint64_t mapped)
{
    size_t count = 0;
    uint64_t heap = 0;
    for (size_t i = 0; i < maps->count; i++) {
        const struct mapping *m = &maps->list[i];
        if (strcmp(m->path, "[heap]") == 0 && heap == 0)
            heap = m->end;
        if (is_ours(p, m->start))
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

/* False: the mappings must be read with what is resident. */
static bool own_by_pages(const struct process *p, uint64_t *total)
{
    struct range ours[1 + MAX_AREAS];
    int asked = resident_open(p->tracee.pid);
    bool known = asked >= 0;
    for (unsigned i = our_ranges(p, ours); known && i-- > 0;)
        known = resident_add(asked, ours[i].low, ours[i].high, total);
    if (asked >= 0)
        close(asked);
    return known;
}

static uint64_t own_resident(const struct process *p, struct maps *maps)
{
    uint64_t total = 0;
    if (own_by_pages(p, &total))
        return total;
    maps_free(maps);
    maps_read_resident(maps, p->tracee.pid);
    total = 0;
    for (size_t i = 0; i < maps->count; i++)
        total += is_ours(p, maps->list[i].start) ? maps->list[i].resident : 0;
    return total;
}

uint64_t phase_state(const struct process *p, struct json *json, const struct maps *known)
{
    char text[256];
    struct maps maps = {0};
    unsigned long total = 0, resident = 0;
    if (known == NULL || known->list == NULL)
        maps_read(&maps, p->tracee.pid);
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), own = own_resident(p, &maps);
    if (read_line(p->tracee.pid, "statm", text, sizeof text))
        sscanf(text, "%lu %lu", &total, &resident);
    json_number(json, "rss_bytes", resident * page > own ? resident * page - own : 0);
    add_faults(p, json);
    uint64_t heap = add_mappings(p, json, maps.list || known == NULL ? &maps : known, total * page);
    maps_free(&maps);
    return heap;
}
