/* area/away.c - remove the areas from the target, by system calls that it is made to execute. */
#include "areas.h"
#include "size.h"

#include <string.h>
#include <sys/syscall.h>

bool areas_hold(const struct code_area *area, uint64_t address)
{
    return area->address != 0 && address >= area->address && address < area->end;
}

static bool remote_unmap(struct process *p, uint64_t from, uint64_t to)
{
    const uint64_t a[6] = {from, to - from};
    int64_t result = 0;
    return from == to ||
           (tracee_syscall(&p->tracee, SYS_munmap, a, NULL, 0, &result) && result == 0);
}

/* Calls that are open return to agent_after: from now on it only drops the five words. */
static bool leave_way_back(struct host *h, const struct process *p, const struct code_area *area,
                           uint64_t *from, uint64_t *to)
{
    static const unsigned char code[] = {
        0x48, 0x8b, 0x6c, 0x24, WRAP_WORDS * 8 - 8, /* mov 32(%rsp), %rbp */
        0x48, 0x8d, 0x64, 0x24, WRAP_WORDS * 8,     /* lea 40(%rsp), %rsp */
        0xc3,                                       /* ret */
    };
    uint64_t at = agent_address(h, area, AGENT_AFTER);
    *from = at & ~(PAGE - 1);
    *to = page_up(at + sizeof code);
    return tracee_write(&p->tracee, at, code, sizeof code);
}

static bool take_code_away(struct host *h, struct process *p, struct code_area *area, bool keep)
{
    uint64_t end = area->end, from = end, to = end;
    if (keep && !leave_way_back(h, p, area, &from, &to))
        return false;
    if (!keep)
        to = end;
    bool done = remote_unmap(p, area->address, keep ? from : end) && remote_unmap(p, to, end);
    area->address = 0;
    return done;
}

/* It may have exec'd meanwhile: then there is other memory at these addresses, or none. */
static bool is_there(const struct process *p)
{
    struct maps maps;
    bool there = false;
    if (maps_read(&maps, p->tracee.pid)) {
        const struct mapping *m = maps_at(&maps, p->area);
        there = m != NULL && strncmp(m->path, "/memfd:brkpoint-recorder", 24) == 0;
    }
    maps_free(&maps);
    return there;
}

static bool take_data_away(struct process *p)
{
    struct piece pieces[MAX_PIECES];
    uint64_t at = p->area;
    bool done = true;
    for (unsigned i = area_size_pieces(p->size, pieces); i-- > 0;)
        done = remote_unmap(p, at + pieces[i].at, at + pieces[i].at + pieces[i].size) && done;
    return done;
}

bool areas_take_away(struct host *h, struct process *p, unsigned keep)
{
    if (p->area == 0 || !is_there(p))
        return true;
    bool done = take_data_away(p);
    for (unsigned i = 0; i < MAX_AREAS; i++)
        if (p->areas[i].address != 0)
            done = take_code_away(h, p, &p->areas[i], keep >> i & 1) && done;
    p->area = 0;
    return tracee_calls_end(&p->tracee) && done;
}
