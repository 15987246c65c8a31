/* modules/files.c - the file behind a mapping of code, and whether memory has its bytes. */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_vdso(const struct process *p, struct module *m)
{
    size_t size = m->end - m->start;
    void *copy = malloc(size); /* lives as long as the module's view of it */
    if (copy != NULL && tracee_read(&p->tracee, m->start, copy, size))
        m->has_elf = elf_open_memory(&m->elf, copy, size) == 0;
}

/* Whether it begins as what is mapped does, its build id most often included. */
static bool is_same(const struct process *p, const struct module *m, const struct mapping *first)
{
    uint8_t mapped[1024];
    uint64_t left = m->elf.size - first->offset;
    size_t size = left < sizeof mapped ? left : sizeof mapped;
    const uint8_t *bytes =
        first->offset < m->elf.size ? elf_at(&m->elf, first->offset, size) : NULL;
    return bytes != NULL &&
           (first->writable || /* the program may have changed it */
            (tracee_read(&p->tracee, m->start, mapped, size) && memcmp(mapped, bytes, size) == 0));
}

void module_close(struct host *h, struct module *m)
{
    const void *copy = m->role == ROLE_VDSO ? m->elf.data : NULL;
    if (m->view != NULL)
        views_close(&h->views, m->view, &m->elf);
    else if (m->has_elf)
        elf_close(&m->elf);
    free((void *)copy);
    m->view = NULL;
    m->has_elf = false;
}

static bool open_file(struct host *h, const struct process *p, struct module *m,
                      const struct mapping *first, const char *path)
{
    m->view = views_open(&h->views, path, &m->elf);
    m->has_elf = m->view != NULL;
    m->elf.path = m->path;
    if (m->has_elf && !is_same(p, m, first))
        module_close(h, m);
    return m->has_elf;
}

/* The file itself; or the one of that path that the target sees, in a container or changed root; or
 * what /proc still knows of it: made with memfd_create, or deleted. The last is for the privileged. */
void module_open(struct host *h, const struct process *p, struct module *m,
                 const struct mapping *first)
{
    char path[4200];
    const char *executable = p->executable;
    int pid = p->tracee.pid;
    if (m->path[0] != '/') {
        read_vdso(p, m);
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/root%s", pid, m->path);
    if (open_file(h, p, m, first, m->path) || open_file(h, p, m, first, path))
        return;
    snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (executable != NULL && strcmp(m->path, executable) == 0 && open_file(h, p, m, first, path))
        return;
    snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", pid, first->start, first->end);
    open_file(h, p, m, first, path);
}

/* A thing that runs may have changed its code, a file without position-independent code is changed
 * by the loader, and the file of that path may be another by now. */
static bool may_differ(const struct process *p, const struct module *m, const struct mapping *first)
{
    uint64_t value;
    return p->deferred != NULL || first->inode != m->elf.inode || first->writable ||
           elf_dynamic(&m->elf, DT_TEXTREL, &value) ||
           (elf_dynamic(&m->elf, DT_FLAGS, &value) && value & DF_TEXTREL);
}

static bool is_same_code(const struct process *p, const struct module *m, const Elf64_Phdr *segment)
{
    static uint8_t there[1 << 16];
    struct elf_bytes held = elf_stored(&m->elf, segment->p_vaddr);
    for (size_t at = 0; at < held.size; at += sizeof there) {
        size_t size = held.size - at < sizeof there ? held.size - at : sizeof there;
        if (!tracee_read(&p->tracee, m->bias + segment->p_vaddr + at, there, size) ||
            memcmp(there, held.at + at, size) != 0)
            return false;
    }
    return true;
}

bool module_has_own_code(const struct process *p, const struct module *m,
                         const struct mapping *first)
{
    Elf64_Phdr segment;
    if (m->role == ROLE_VDSO || !may_differ(p, m, first))
        return false;
    for (unsigned i = 0; elf_segment(&m->elf, i, &segment); i++)
        if (segment.p_type == PT_LOAD && segment.p_flags & PF_X && !is_same_code(p, m, &segment))
            return true;
    return false;
}
