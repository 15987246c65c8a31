/* overwritten.c - whether jumps that were planted at entries are still there (overwritten.h). */
#include "overwritten.h"
#include "code/detour.h"
#include "area/areas.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

/* A call hook whose jump lies in the process. */
static bool is_planted(const struct hook *hook)
{
    return hook->names > 0 && hook->patch != 0 && hook->moved != NULL;
}

static const struct module *module_of(const struct process *p, const struct hook *hook)
{
    for (size_t i = 0; i < p->module_count; i++)
        if (p->modules[i]->id == hook->module)
            return p->modules[i];
    return NULL;
}

/* `did`: made … writable, or wrote over …: what is said ends with `then`. */
static void tell(struct host *h, const struct process *p, const struct hook *first, unsigned count,
                 const char *did, const char *then)
{
    const struct module *m = module_of(p, first);
    char others[32] = "";
    if (m == NULL)
        return; /* its file is gone */
    if (count > 1)
        snprintf(others, sizeof others, " (and %u more)", count - 1);
    const char *name = strrchr(m->path, '/') ? strrchr(m->path, '/') + 1 : m->path;
    say_unseen(h, "overwritten", "the program %s the entry of %s in %s%s: %s", did,
               first->as[0]->name, name, others, then);
}

static bool holds_code(const struct process *p, uint64_t start, uint64_t end)
{
    for (size_t i = 0; i < p->module_count; i++)
        if (start < p->modules[i]->end && end > p->modules[i]->start)
            return true;
    return false;
}

void overwritten_soon(struct host *h, const struct process *p, uint64_t start, uint64_t length)
{
    const struct hook *first = NULL;
    unsigned count = 0;
    if (length > UINT64_MAX - start || !holds_code(p, start, start + length))
        return;
    for (uint32_t i = 0; i < p->family->hook_count; i++) {
        const struct hook *hook = &p->family->hooks[i];
        if (is_planted(hook) && hook->patch >= start && hook->patch < start + length) {
            first = first ? first : hook;
            count++;
        }
    }
    if (first != NULL)
        tell(h, p, first, count, "made writable",
             "calls while it had something else written there were not seen");
}

static bool stands(struct process *p, uint32_t number)
{
    const struct hook *hook = &p->family->hooks[number];
    struct moved from = {.patch = hook->patch};
    struct code_area *area = area_near(p, hook->patch);
    uint8_t ours[JUMP_BYTES], there[JUMP_BYTES];
    if (hook->hop || area == NULL || !detour_jump(&from, stub_address(area, number), ours) ||
        !tracee_read(&p->tracee, hook->patch, there, sizeof there))
        return true; /* nobody knows */
    return memcmp(ours, there, sizeof ours) == 0;
}

void overwritten_at_end(struct host *h, struct process *p)
{
    const struct hook *first = NULL;
    unsigned count = 0;
    for (uint32_t i = 0; !p->is_unplanted && i < p->family->hook_count; i++)
        if (is_planted(&p->family->hooks[i]) && module_of(p, &p->family->hooks[i]) &&
            !stands(p, i)) {
            first = first ? first : &p->family->hooks[i];
            count++;
        }
    if (first != NULL)
        tell(h, p, first, count, "wrote over", "calls from then on were not seen");
}
